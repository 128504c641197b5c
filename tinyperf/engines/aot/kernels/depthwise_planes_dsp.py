"""Depthwise 3x3 convolution with a ReLU in planes: two neighbours at once, down a pair of columns; in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel, _pairs
from tinyperf.engines.aot.kernels._c_layers import call, constant, folded_bias, window_constant
from tinyperf.engines.aot.layouts import COLUMNS, PLANES, plane_bytes
from tinyperf.engines.aot.operators.depthwise_conv_2d import Depthwise
from tinyperf.engines.aot.passes.bounds import accumulators

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place
    from tinyperf.engines.aot.kernels._pairs import Part
    from tinyperf.engines.aot.operators._window import Window

WIDEST = 120
"""Rows of scratch, and two of outputs, are within reach of an immediate offset."""

LOADED_ROWS = 6
"""Of a function's loop; longer ones stand in their channels' rows."""

SUM_BITS = 30
SHIFTS = range(7, 24)


def lacks(work: Depthwise, bounds: Bounds | None) -> str | None:
    window = work.window
    if window.kernel != (3, 3) or window.dilation != (1, 1) or window.stride not in {(1, 1), (2, 2)}:
        return "a 3x3 kernel, stride 1 or 2"
    if min(window.out_shape[:2]) < 2 or max(*window.in_shape[:2], *window.out_shape[:2]) > WIDEST:
        return f"2 to {WIDEST} rows and columns"
    if not _pairs.relu(work):
        return "a ReLU whose zero point is -128"
    if bounds is None or _pairs.parts(work, bounds, SUM_BITS, SHIFTS) is None:
        return "right shifts of 1 to 22, proven for every channel"
    return None


def forms(work: Depthwise, costs: Costs) -> tuple[Form, ...]:
    return tuple(_form(work, costs, layout) for layout in PLANES)


def _form(work: Depthwise, costs: Costs, layout: str) -> Form:
    window = _laid(work.window, layout)
    (in_h, in_w, in_c), (out_h, out_w, out_c) = window.in_shape, window.out_shape
    pairs = out_h * -(-out_w // 2)
    stride = "" if window.stride == (1, 1) else " of stride 2"
    each = pairs * costs[f"row{stride}"] + costs[f"channel{stride}"]
    cycles = out_c * each + in_c * in_h * costs["copied row"]
    cycles += _switches(work) * min(out_h, LOADED_ROWS) * costs["loaded row"]
    rows, row = _padded(window)
    made, given = plane_bytes(out_h, out_w) * work.depth_multiplier, plane_bytes(in_h, in_w)
    lead = max(in_c * (made - given), 0)
    return Form(cycles, scratch_bytes=rows * row, lead=(lead,), inputs=(layout,), outputs=(layout,))


def _switches(work: Depthwise) -> int:
    """Channels that shift otherwise than the one before: code that is loaded into the cache again."""
    parts = _pairs.parts(work, accumulators(work), SUM_BITS, SHIFTS) or []
    shifts = np.zeros(work.window.out_shape[2], np.int64)
    for part in parts:
        shifts[part.channels] = part.shift
    return int(np.count_nonzero(np.diff(shifts)))


def _laid(window: Window, layout: str) -> Window:
    """The window over an image whose rows are the layout's."""
    return window.transposed if layout == COLUMNS else window


def _padded(window: Window) -> tuple[int, int]:
    """Rows of the padded plane, and bytes of one: what all windows reach, and all of the image."""
    rows, columns = (
        max((made - 1) * stride + 3, before + given)
        for made, stride, before, given in zip(
            window.out_shape[:2], window.stride, window.pad, window.in_shape[:2], strict=True
        )
    )
    return rows, -(-columns // 4) * 4


def _same(window: Window) -> bool:
    """Nothing but zero points above the image, and below it, in a row each."""
    return window.stride == (1, 1) and window.pad[0] == 1 and window.out_shape[0] == window.in_shape[0]


def emit(work: Depthwise, place: Place) -> Code:
    (layout,) = place.form.inputs
    window = _laid(work.window, layout)
    given = _pairs.parts(work, accumulators(work), SUM_BITS, SHIFTS)
    if given is None:
        raise ValueError(work)
    channels = _channels(work, layout, given, f"{place.prefix}_channels")
    rows, row = _padded(window)
    height, width, _ = window.out_shape
    stride, skip = window.stride[0], int(_same(window))
    names = [f"tp_depthwise_{height}x{width}{'_same' if skip else ''}_{stride}_{part.shift}" for part in given]
    body = window_constant(window) + constant("tp_depthwise_function functions[]", names)
    body += call(
        "tp_depthwise_planes_dsp",
        "&window",
        work.depth_multiplier,
        "functions",
        row,
        rows * row,
        place.inputs[0],
        channels.name,
        work.in_zero,
        place.scratch,
        place.output,
    )
    definitions = (
        f"TP_DEPTHWISE_FUNCTION({name}, {stride}, {height}, {width}, {row}, {skip}, {part.shift})"
        for name, part in zip(names, given, strict=True)
    )
    return Code((channels,), body, definitions=tuple(definitions))


def _channels(work: Depthwise, layout: str, given: list[Part], name: str) -> Array:
    """`struct tp_depthwise_plane` of every channel."""
    count = work.weights.shape[2]
    scale, shift, function = (np.zeros(count, np.int64) for _ in range(3))
    for number, part in enumerate(given):
        scale[part.channels], shift[part.channels], function[part.channels] = part.scale, part.shift, number
    taps = work.weights.astype(np.int64) << (1 + scale)
    if layout == COLUMNS:
        taps = taps.transpose(1, 0, 2)
    words = [_halves(taps[y, 0], taps[y, 2]) for y in range(3)] + [_halves(taps[0, 1], taps[1, 1]), taps[2, 1] & 0xFFFF]
    start = folded_bias(work).astype(np.int64) << (1 + scale)
    first, last = (start + work.in_zero * taps[y].sum(axis=0) for y in (0, 2))
    rounding = (1 << scale >> 1) + (1 << shift - 1) + (work.out_zero << shift)
    fields = np.stack(
        [*words, start, first, last, work.channels.multiplier.astype(np.int64), rounding, function], axis=1
    )
    comment = "Of each channel: taps, times 2^(1 + s); start of its sums, multiplier, rounding, function."
    return Array(name, "struct tp_depthwise_plane", fields.astype(np.uint32).view(np.int32), comment)


def _halves(low: _pairs.Ints, high: _pairs.Ints) -> _pairs.Ints:
    halves: _pairs.Ints = (low & 0xFFFF) | (high << 16)
    return halves


KERNEL = Kernel(
    "depthwise_planes_dsp",
    Depthwise,
    "tp_depthwise_planes_dsp.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"dsp", "fpu"}),
)
