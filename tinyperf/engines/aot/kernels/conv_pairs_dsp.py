"""Convolutions with a ReLU on pairs of pixels: four pixels x two channels in the registers, weights copied to RAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel, _pairs
from tinyperf.engines.aot.kernels._c_layers import call, window_constant
from tinyperf.engines.aot.kernels._lead import gathered
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.passes.bounds import accumulators

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place
    from tinyperf.engines.aot.kernels._pairs import Part

BLOCKS = (64, 16, 4)
"""Groups of four pixels between two passes over the weights."""


def lacks(work: Conv, bounds: Bounds | None) -> str | None:
    if work.window.pixels < 4:
        return "at least four pixels"
    return _pairs.lacks(work, bounds)


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    blocks = sorted({min(block, _groups(work)) for block in BLOCKS})
    return tuple(_form(work, costs, block) for block in blocks)


def _form(work: Conv, costs: Costs, block: int) -> Form:
    window = work.window
    row, pairs = _row_bytes(work), -(-window.out_shape[2] // 2)
    groups, passes = _groups(work), -(-_groups(work) // block)
    each = costs["taps"] * row / 8 + costs["outputs"]
    cycles = pairs * (groups * each + passes * (costs["copied"] * row + costs["channels"]))
    cycles += groups * costs["paired"] * row
    if _gathers(work):
        cycles += 4 * groups * (costs["gathered"] * row / 4 + costs["row"] * window.kernel[0])
    scratch = _scratch_bytes(work, block)
    return Form(cycles, scratch_bytes=scratch, lead=(gathered(window, 4 * block),), block=block)


def _groups(work: Conv) -> int:
    return -(-work.window.pixels // 4)


def _taps(work: Conv) -> int:
    """Of a channel, with zeros up to a multiple of 4: so many codes of a window are paired at once."""
    return -(-int(work.weights[0].size) // 4) * 4


def _row_bytes(work: Conv) -> int:
    """Of four pixels in pairs; of the weights of two channels."""
    return 4 * _pairs.filled(_taps(work), _pairs.steps_for(_taps(work)))


def _gathers(work: Conv) -> bool:
    """Some window is no pixel whose codes can be read in fours."""
    window = work.window
    return window.kernel != (1, 1) or window.stride != (1, 1) or bool(window.in_shape[2] % 4)


def _scratch_bytes(work: Conv, block: int) -> int:
    row = _row_bytes(work)
    part = 4 * work.window.out_shape[2] if work.window.pixels % 4 else 0
    return row * (1 + block) + (row // 2 if _gathers(work) else 0) + part


def emit(work: Conv, place: Place) -> Code:
    parts = _parts(work)
    taps, row = _taps(work), _row_bytes(work)
    steps = _pairs.steps_for(taps)
    weights = _pairs.weights_array(place.prefix, parts, _in_pairs(work), steps)
    channels = _pairs.channels_array(place.prefix, work, parts, 1)
    names = [f"tp_pairs_{steps}_{part.shift}" for part in parts]
    rows = ", ".join(f"{{{name}, {-(-len(part.channels) // 2)}}}" for name, part in zip(names, parts, strict=True))
    body = window_constant(work.window) + f"    static const struct tp_pairs_part parts[] = {{{rows}}};\n"
    body += call(
        "tp_conv_pairs_dsp",
        "&window",
        "parts",
        len(parts),
        row,
        place.form.block,
        "true" if _gathers(work) else "false",
        place.inputs[0],
        weights.name,
        channels.name,
        work.in_zero,
        place.scratch,
        place.output,
    )
    definitions = (f"TP_PAIRS_FUNCTION({name}, {steps}, {part.shift})" for name, part in zip(names, parts, strict=True))
    return Code((weights, channels), body, definitions=tuple(definitions))


def _parts(work: Conv) -> list[Part]:
    found = _pairs.parts(work, accumulators(work))
    if found is None:
        raise ValueError(work)
    return found


def _in_pairs(work: Conv) -> npt.NDArray[np.int64]:
    """Weights [output channel, taps] in the order that the codes of a window get: 0, 2, 1, 3 of every four."""
    taps = work.rows.shape[1]
    filled = np.pad(work.rows.astype(np.int64), ((0, 0), (0, -taps % 4)))
    order: npt.NDArray[np.int64] = filled.reshape(len(filled), -1, 4)[:, :, [0, 2, 1, 3]].reshape(len(filled), -1)
    return order


KERNEL = Kernel(
    "conv_pairs_dsp",
    Conv,
    "tp_conv_pairs_dsp.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"dsp", "fpu"}),
    costs={
        "taps": 15.1,
        "outputs": 75.0,
        "copied": 0.8,
        "channels": 90.0,
        "paired": 1.0,
        "gathered": 1.6,
        "row": 14.0,
    },
)
