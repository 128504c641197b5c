"""Convolutions on pairs of pixels without im2col: windows are runs of an image whose pixels stand in pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel, _pairs
from tinyperf.engines.aot.kernels._c_layers import call, constant, window_constant
from tinyperf.engines.aot.kernels._lead import gathered
from tinyperf.engines.aot.layouts import NHWC, ROWS, laid_bytes, plane_bytes
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.passes.bounds import accumulators

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place

MOST_STEPS, MOST_UNROLLED = 12, 15
"""Pairs of halfwords a pass, and of all rows of a window where these are unrolled: more would not fit into the cache
of instructions."""

REACH = 4095
"""Of an immediate: bytes of the rows that a window sees, and between the outputs of half a row."""

BLOCKS = (16, 8, 4, 2, 1)
"""Rows of outputs between two passes over the weights."""


@dataclass(frozen=True)
class _Shape:
    """The paired image: `columns` pixels of `channels` halfwords; and a window of it: `rows` rows of `passes` times
    `steps` pairs of halfwords, the last of which is half empty where they are `odd`. next: columns to the output
    that is done beside one; 2: even and odd columns apart. apart_bytes: to the window of the right neighbour.
    """

    columns: int
    channels: int
    rows: int
    passes: int
    steps: int
    odd: bool
    next: int
    apart_bytes: int

    @property
    def row_bytes(self) -> int:
        return -(-self.columns * self.channels // 2) * 4

    @property
    def pairs(self) -> int:
        """Of halfwords, of a window."""
        return self.rows * self.passes * self.steps - self.shared

    @property
    def shared(self) -> int:
        """Pairs of last halfwords of two rows."""
        return self.rows // 2 if self.shares else 0

    @property
    def shares(self) -> bool:
        return self.odd and self.unrolled and self.next == 1

    @property
    def unrolled(self) -> bool:
        return self.passes == 1 and self.rows * self.steps <= MOST_UNROLLED and self.next * self.apart_bytes % 4 == 0

    @property
    def weights_bytes(self) -> int:
        """Of two channels."""
        return 8 * self.pairs


def _shape(work: Conv) -> _Shape:
    window = work.window
    channels = window.in_shape[2]
    columns = (window.out_shape[1] // 2 - 1) * window.stride[1] + window.kernel[1]
    run = window.kernel[1] * channels
    words = -(-run // 2)
    passes = -(-words // MOST_STEPS)
    apart_bytes = 2 * channels * window.stride[1]
    unrolled = passes == 1 and window.kernel[0] * words <= MOST_UNROLLED
    step = 2 if unrolled and run % 2 and apart_bytes % 4 and window.out_shape[1] % 8 == 0 else 1
    return _Shape(columns, channels, window.kernel[0], passes, -(-words // passes), bool(run % 2), step, apart_bytes)


def lacks(work: Conv, bounds: Bounds | None) -> str | None:
    window = work.window
    if window.dilation != (1, 1) or window.out_shape[1] % 4:
        return "no dilation, and columns of outputs in fours"
    shape = _shape(work)
    run = 4 * shape.passes * shape.steps
    half = window.out_shape[1] // 2
    steps = (
        half * shape.apart_bytes,
        (half + shape.next) * window.out_shape[2],
        shape.rows * shape.row_bytes,
        window.stride[0] * shape.row_bytes,
    )
    if max(steps) > REACH or run > shape.row_bytes or not 0 <= window.pad[1] < shape.columns:
        return f"rows of windows of at most {REACH} bytes, in pairs"
    return _pairs.lacks(work, bounds)


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    rows = work.window.out_shape[0]
    blocks = sorted({min(block, rows) for block in (rows, *BLOCKS)})
    pairs = sum(_pairs.pairs(work))
    return tuple(_form(work, costs, pairs, block, made) for made in (NHWC, ROWS) for block in blocks)


def _form(work: Conv, costs: Costs, pairs: int, block: int, made: str) -> Form:
    window, shape = work.window, _shape(work)
    out_h, out_w, out_c = window.out_shape
    each = costs["pair"] * shape.pairs + costs["outputs" if made == NHWC or shape.next > 1 else "outputs in planes"]
    each += shape.pairs if shape.next * shape.apart_bytes % 4 else 0  # one of two loads of pixels is unaligned
    each += costs["shared"] * shape.shared
    each += costs["ties"] if _pairs.ties(work) else 0
    each += 0 if shape.unrolled else shape.rows * (costs["pass"] * shape.passes + costs["row of a window"])
    blocks = -(-out_h // block)
    row = out_w // 4 * each + shape.next * costs["row"]
    copied = costs["copied"] * shape.weights_bytes + costs["channels"]
    cycles = pairs * (out_h * row + blocks * shape.next * copied)
    seen = blocks * _seen(work, block)
    cycles += seen * (costs["paired"] * shape.columns * shape.channels + costs["paired row"])
    cycles += 0 if work.clamp == _pairs.CODES else costs["clamped"] * window.pixels * out_c
    lead: int | None = None
    if block == out_h:
        lead = -laid_bytes(made, (1, *window.out_shape), 1)
    elif made == NHWC:
        lead = gathered(window, block * out_w)
    scratch = shape.weights_bytes + _seen(work, block) * shape.row_bytes + 4
    return Form(cycles, scratch_bytes=scratch, lead=(lead,), inputs=(NHWC,), outputs=(made,), block=block)


def _seen(work: Conv, block: int) -> int:
    """Rows of the image, the zero points around it included, that so many rows of outputs see."""
    return (block - 1) * work.window.stride[0] + work.window.kernel[0]


def emit(work: Conv, place: Place) -> Code:
    (made,) = place.form.outputs
    parts = _pairs.paired(work, accumulators(work))
    if parts is None:
        raise ValueError(work)
    shape, window = _shape(work), work.window
    height, width, out_c = window.out_shape
    weights = _pairs.weights_array(place.prefix, parts, _in_runs(work, shape), shape.next * shape.pairs)
    channels = _pairs.channels_array(place.prefix, work, parts, 1 if made == NHWC else plane_bytes(height, width))
    if shape.next > 1:
        channels = _twice(channels, out_c if made == NHWC else 1)
    ties = int(_pairs.ties(work))
    numbers = [
        shape.rows,
        shape.passes,
        shape.steps,
        int(shape.shares),
        shape.next,
        shape.row_bytes,
        shape.apart_bytes,
    ]
    numbers += [window.stride[0] * shape.row_bytes, width // 2, out_c if made == NHWC else 1]
    layout = "PIXELS" if made == NHWC else "PLANES"
    kind = f"{'_'.join(map(str, numbers))}_{layout.lower()}{'_exact' * ties}"
    names = [f"tp_direct_{kind}_{_pairs.named(part)}" for part in parts]
    body = window_constant(window, place.edge) + _plan(shape, place.form)
    body += constant("struct tp_pairs_part parts[]", _pairs.part_rows(names, parts, shape.next))
    body += call(
        "tp_conv_direct_dsp",
        "&window",
        "&plan",
        "parts",
        len(parts),
        shape.weights_bytes,
        place.inputs[0],
        weights.name,
        channels.name,
        work.in_zero,
        *work.clamp,
        place.scratch,
        place.output,
    )
    text = ", ".join(map(str, numbers))
    definitions = (
        f"TP_DIRECT_FUNCTION({name}, {text}, {part.shift}, {part.shifts[1]}, {layout}, {ties})"
        for name, part in zip(names, parts, strict=True)
    )
    return Code((weights, channels), body, definitions=tuple(definitions))


def _plan(shape: _Shape, form: Form) -> str:
    """The `struct tp_direct_plan` of a layer."""
    fields = [f".columns = {shape.columns}", f".row_bytes = {shape.row_bytes}"]
    fields += [f".block = {form.block}", f".to_planes = {'false' if form.outputs[0] == NHWC else 'true'}"]
    return constant("struct tp_direct_plan plan", fields)


def _in_runs(work: Conv, shape: _Shape) -> npt.NDArray[np.int64]:
    """Weights [output channel, taps]: the rows of a window one after another, each filled to whole passes; or what
    fills words of all rows, then the last halfword of each.
    """
    count, rows = work.weights.shape[:2]
    run = work.weights.astype(np.int64).reshape(count, rows, -1)
    if shape.shared:
        parts = run[:, :, :-1].reshape(count, -1), run[:, :, -1]
        return np.pad(np.concatenate(parts, axis=1), ((0, 0), (0, rows % 2)))
    if shape.next > 1:  # of even columns, then of odd ones
        both = [np.pad(run, ((0, 0), (0, 0), (before, 1 - before))).reshape(count, -1) for before in (0, 1)]
        return np.concatenate(both, axis=1)
    filled: npt.NDArray[np.int64] = np.pad(run, ((0, 0), (0, 0), (0, 2 * shape.passes * shape.steps - run.shape[2])))
    return filled.reshape(count, -1)


def _twice(channels: Array, pixel_bytes: int) -> Array:
    """Every pair of channels for the even columns, and for the odd ones, whose outputs start a pixel further."""
    values = np.repeat(channels.values, 2, axis=0)
    values[1::2, -2:] += pixel_bytes
    return replace(channels, values=values)


KERNEL = Kernel(
    "conv_direct_dsp",
    Conv,
    "tp_conv_direct_dsp.h",
    forms,
    emit,
    lacks,
    by_rows=True,
    needs=frozenset({"dsp", "fpu"}),
)
