"""conv_2d_dsp in less scratch: the rows of each window in two parts, while the sums wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import (
    LONGEST_COLUMN,
    call,
    channels_array,
    dot_iterations,
    folded_bias,
    short_requantization_lacks,
    weights_array,
    window_constant,
)
from tinyperf.engines.aot.kernels._lead import gathered
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place

PARTS = 2


def lacks(work: Conv, bounds: Bounds | None) -> str | None:
    if work.window.kernel[0] < PARTS:
        return f"windows of at least {PARTS} rows"
    if _length(work) > LONGEST_COLUMN:
        return f"windows of at most {PARTS * LONGEST_COLUMN} codes"
    return short_requantization_lacks(work, bounds)


def _rows(work: Conv) -> int:
    """Of the window, in one part."""
    return -(-work.window.kernel[0] // PARTS)


def _length(work: Conv) -> int:
    """Codes of a part, padded to whole words."""
    codes = _rows(work) * work.window.kernel[1] * work.window.in_shape[2]
    return codes + -codes % 4


def _sums_bytes(work: Conv) -> int:
    return (work.window.out_shape[2] + work.window.out_shape[2] % 2) * 2 * 4


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    pixels = work.window.pixels + work.window.pixels % 2
    length, out_c = PARTS * _length(work), work.window.out_shape[2]
    turns = costs["iteration"] / 4 * PARTS * dot_iterations(_length(work))  # of two pixels and two channels
    sums = (costs["tap"] * length + turns + costs["output"] + costs["sum"] * (PARTS - 1)) * (out_c + out_c % 2)
    each = sums + costs["gathered"] * length + costs["row"] * work.window.kernel[0]
    scratch = _sums_bytes(work) + 2 * _length(work)
    return (Form(pixels * each, scratch_bytes=scratch, lead=(gathered(work.window, 2),)),)


def emit(work: Conv, place: Place) -> Code:
    fillers = work.window.out_shape[2] % 2
    weights = weights_array(
        place.prefix, _parts(work), "Weights [part, out, codes of a part], zeros up to whole words."
    )
    channels = channels_array(place.prefix, work.channels, folded_bias(work), fillers=fillers)
    body = window_constant(work.window, place.edge) + call(
        "tp_conv_2d_parts_dsp",
        "&window",
        _rows(work),
        _length(work),
        place.inputs[0],
        weights.name,
        channels.name,
        work.in_zero,
        work.out_zero,
        *work.clamp,
        f"(int32_t *)(void *){place.scratch}",
        f"{place.scratch} + {_sums_bytes(work)}",
        place.output,
    )
    return Code((weights, channels), body)


def _parts(work: Conv) -> npt.NDArray[np.int8]:
    """[part, out, codes]: what the rows of the window leave free is zero."""
    out_c, height, width, in_c = work.weights.shape
    rows = _rows(work)
    whole = np.pad(work.weights, ((0, out_c % 2), (0, PARTS * rows - height), (0, 0), (0, 0)))
    parts = whole.reshape(out_c + out_c % 2, PARTS, rows * width * in_c).transpose(1, 0, 2)
    return np.pad(parts, ((0, 0), (0, 0), (0, _length(work) - parts.shape[2])))


KERNEL = Kernel(
    "conv_2d_parts_dsp",
    Conv,
    "tp_conv_2d_parts_dsp.h",
    forms,
    emit,
    lacks,
    by_rows=True,
    needs=frozenset({"dsp"}),
    costs={"tap": 1.68, "iteration": 3.4, "output": 18.7, "sum": 52.5, "gathered": 0.0, "row": 72.0},
)
