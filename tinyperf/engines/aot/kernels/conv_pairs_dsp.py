"""Convolutions on pairs of pixels: four pixels x two channels in the registers, weights copied to RAM."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel, _pairs
from tinyperf.engines.aot.kernels._c_layers import call, constant, window_constant
from tinyperf.engines.aot.kernels._lead import gathered
from tinyperf.engines.aot.layouts import COLUMNS, NHWC, PLANES, ROWS, laid_bytes, plane_bytes
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.passes.bounds import accumulators

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place
    from tinyperf.engines.aot.kernels._pairs import Part
    from tinyperf.engines.aot.operators._window import Window

BLOCKS = (64, 32, 16, 8, 4, 2)
"""Groups of four pixels between two passes over the weights."""

FLASH_STEPS = (16, 13)
"""Pairs of input channels an iteration where weights are read from flash, and with ties: the most that a loop of 1 KB
has room for. The caches of the cores that read them there as fast hold more than that."""

MOST_STEPS = (_pairs.MOST_STEPS, _pairs.MOST_STEPS)
"""The same where they are in RAM."""


def lacks(work: Conv, bounds: Bounds | None) -> str | None:
    if work.window.pixels < 4:
        return "at least four pixels"
    return _pairs.lacks(work, bounds)


def forms(work: Conv, costs: Costs, *, most_steps: Sequence[int] = MOST_STEPS) -> tuple[Form, ...]:
    blocks = sorted({min(block, _groups(work)) for block in (_groups(work), *BLOCKS)})
    form = partial(_form, work, costs, parts=_pairs.pairs(work), most=most_steps[_pairs.ties(work)])
    found = [form(block, NHWC, NHWC) for block in blocks]
    for layout in PLANES:
        found += [form(block, NHWC, layout) for block in blocks]
        if _pointwise(work):
            found += [form(block, layout, layout) for block in blocks]
    if _pointwise(work):
        found.append(form(_groups(work), ROWS, NHWC))
    return tuple(found)


def _form(work: Conv, costs: Costs, block: int, given: str, made: str, *, parts: list[int], most: int) -> Form:
    window = work.window
    steps = _pairs.steps_for(_taps(work, given), most)
    row, pairs = _row_bytes(work, given, steps), sum(parts)
    groups, passes = _groups(work), _passes(work, block, made)
    iterations = row // (8 * steps)
    each = costs["taps"] * row / 8 + costs["outputs" if made == NHWC else "outputs in planes"]
    each += costs["ties"] if _pairs.ties(work) else 0
    each += costs["iteration"] * iterations if iterations > 1 else 0
    cycles = costs["clamped"] * window.pixels * window.out_shape[2] if work.clamp != _pairs.CODES else 0
    alone = _alone(work, block)
    cycles += pairs * ((groups - alone) * each + passes * (costs["copied"] * row + costs["channels"]))
    cycles += passes * (len(parts) - 1) * costs["part"]
    cycles += pairs * alone * (costs["taps alone"] * row / 8 + costs["output alone"])
    cycles += groups * costs["paired" if given == NHWC else "paired planes"] * row
    cycles += 4 * groups * costs["row"] * (window.kernel[0] - 1)
    left = window.kernel[1] * window.in_shape[2] % 4 if given == NHWC else 0  # codes of a row that fill no word
    cycles += 2 * groups * costs["left"] * left * window.kernel[0]
    if _gathers(work, given):
        cycles += costs["gathered"] * _gathered(window) * row / 4
    lead: int | None = None
    if block == groups:
        lead = -laid_bytes(made, (1, *window.out_shape), 1)
    elif given == made == NHWC:
        lead = gathered(window, 4 * block)
    elif given == made:  # pixels of a block lie in every plane where their outputs will
        lead = max(window.out_shape[2] - window.in_shape[2], 0) * 4 * groups
    return Form(
        cycles,
        scratch_bytes=_scratch_bytes(work, block, given, made, row),
        lead=(lead,),
        exact=given == made != NHWC and block < groups,
        inputs=(given,),
        outputs=(made,),
        block=block,
    )


def _passes(work: Conv, block: int, made: str) -> int:
    """Over the weights: one for every block, and one more where a last group that is not whole goes by itself."""
    blocks = -(-_groups(work) // block)
    last = _groups(work) - (blocks - 1) * block
    return blocks + (1 if last > 1 and made == NHWC and work.window.pixels % 4 > 1 else 0)


def _alone(work: Conv, block: int) -> int:
    """Pixels that are done alone, behind fours: one or none."""
    groups = _groups(work)
    return int(work.window.pixels % 4 == 1 and (groups - 1) % block > 0)


def _groups(work: Conv) -> int:
    return -(-work.window.pixels // 4)


def _pointwise(work: Conv) -> bool:
    return work.window.kernel == (1, 1) and work.window.stride == (1, 1)


def _taps(work: Conv, given: str) -> int:
    """Of a channel, with zeros up to as many as are paired at once: of two planes, or four codes of a window."""
    at_once = 4 if given == NHWC else 2
    return -(-int(work.weights[0].size) // at_once) * at_once


def _row_bytes(work: Conv, given: str, steps: int) -> int:
    """Of four pixels in pairs; of the weights of two channels."""
    return 4 * _pairs.filled(_taps(work, given), steps)


def _gathers(work: Conv, given: str) -> bool:
    """Some window reaches outside of the image, or leaves out codes."""
    return given == NHWC and (work.window.padded or work.window.dilation != (1, 1))


def _gathered(window: Window) -> int:
    """Windows that are gathered: of every two pixels, both where one's leaves out codes, or leaves the image."""
    inside = []
    for axis in range(2):
        first = np.arange(window.out_shape[axis]) * window.stride[axis] - window.pad[axis]
        whole = (first >= 0) & (first + window.kernel[axis] <= window.in_shape[axis])
        inside.append(whole & (window.dilation == (1, 1)))
    pixels = np.logical_and.outer(*inside).ravel()
    filled = np.pad(pixels, (0, -pixels.size % 4), mode="edge")
    return 2 * int(np.count_nonzero(~filled.reshape(-1, 2).all(axis=1)))


def _scratch_bytes(work: Conv, block: int, given: str, made: str, row: int) -> int:
    """Room for copied weights is in it where they are not copied, too: a plan takes no slower kernel for so little."""
    part = 4 * work.window.out_shape[2] if work.window.pixels % 4 and made == NHWC else 0
    return row * (1 + block) + (row // 2 if _gathers(work, given) else 0) + part


def emit(work: Conv, place: Place, *, copies: bool = True, most_steps: Sequence[int] = MOST_STEPS) -> Code:
    """copies: the weights of a pair of channels are copied to RAM, not read where they are."""
    (given,), (made,) = place.form.inputs, place.form.outputs
    parts = _parts(work)
    steps = _pairs.steps_for(_taps(work, given), most_steps[_pairs.ties(work)])
    row = _row_bytes(work, given, steps)
    height, width, _ = work.window.out_shape
    weights = _pairs.weights_array(place.prefix, parts, _in_pairs(work, given), steps)
    channels = _pairs.channels_array(place.prefix, work, parts, 1 if made == NHWC else plane_bytes(height, width))
    layout = "PIXELS" if made == NHWC else "PLANES"
    ties = int(_pairs.ties(work))
    rest = int(work.window.pixels % 4 == 1)
    passes = min(row // (8 * steps), 2)  # of two and more, one function
    kind = f"{layout.lower()}{'_exact' * ties}{'_and_one' * rest}{'_flash' * (not copies)}"
    names = [f"tp_pairs_{passes}x{steps}_{_pairs.named(part)}_{kind}" for part in parts]
    body = window_constant(work.window, place.edge) + _plan(work, place.form, row, copies=copies)
    body += constant("struct tp_pairs_part parts[]", _pairs.part_rows(names, parts))
    body += call(
        "tp_conv_pairs_dsp",
        "&window",
        "&plan",
        "parts",
        len(parts),
        place.inputs[0],
        weights.name,
        channels.name,
        work.in_zero,
        *work.clamp,
        place.scratch,
        place.output,
    )
    text = f"{layout}, {ties}, {rest}, {int(copies)}"
    definitions = (
        f"TP_PAIRS_FUNCTION({name}, {passes}, {steps}, {part.shifts[0]}, {part.shifts[1]}, {text})"
        for name, part in zip(names, parts, strict=True)
    )
    return Code((weights, channels), body, definitions=tuple(definitions))


def _plan(work: Conv, form: Form, row: int, *, copies: bool) -> str:
    """The `struct tp_pairs_plan` of a layer."""
    (given,), (made,) = form.inputs, form.outputs
    switches = {
        "from_planes": given != NHWC,
        "gathers": _gathers(work, given),
        "to_planes": made != NHWC,
        "by_columns": made == COLUMNS,
        "rest": work.window.pixels % 4 == 1,
    }
    fields = [f".row_bytes = {row}", f".copy_bytes = {row * copies}", f".x_groups = {form.block}"]
    fields += [f".{name} = {'true' if on else 'false'}" for name, on in switches.items()]
    return constant("struct tp_pairs_plan plan", fields)


def _parts(work: Conv) -> list[Part]:
    found = _pairs.paired(work, accumulators(work))
    if found is None:
        raise ValueError(work)
    return found


def _in_pairs(work: Conv, given: str) -> npt.NDArray[np.int64]:
    """Weights [output channel, taps] in the order that the codes get.

    Of a window: what fills words of each row, then what is left of each; and of every four codes 0, 2, 1, 3.
    """
    count, height = work.weights.shape[:2]
    rows = work.weights.astype(np.int64).reshape(count, height, -1)
    if given != NHWC:
        taps = rows.reshape(count, -1)
        return np.pad(taps, ((0, 0), (0, taps.shape[1] % 2)))
    words = rows.shape[2] // 4 * 4
    taps = np.concatenate([rows[:, :, :words].reshape(count, -1), rows[:, :, words:].reshape(count, -1)], axis=1)
    filled = np.pad(taps, ((0, 0), (0, -taps.shape[1] % 4)))
    order: npt.NDArray[np.int64] = filled.reshape(count, -1, 4)[:, :, [0, 2, 1, 3]].reshape(count, -1)
    return order


KERNEL = Kernel(
    "conv_pairs_dsp",
    Conv,
    "tp_conv_pairs_dsp.h",
    forms,
    emit,
    lacks,
    by_rows=True,
    needs=frozenset({"dsp", "fpu"}),
)
