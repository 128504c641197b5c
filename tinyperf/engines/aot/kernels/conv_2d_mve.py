"""CONV_2D and FULLY_CONNECTED with Helium: rows of codes that lie one after the other, four channels at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, weights_array, window_constant
from tinyperf.engines.aot.kernels._lead import direct
from tinyperf.engines.aot.kernels._mve import CHANNELS, CODES, POINTER_BYTES, fours_array
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: Conv, _: Bounds | None) -> str | None:
    return None if work.window.dilation == (1, 1) else "no dilation"


def is_row(work: Conv) -> bool:
    """A window is one row, and windows follow each other."""
    return work.window.kernel == work.window.stride == (1, 1)


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    fours = -(-work.window.out_shape[2] // CHANNELS)
    pixel = fours * (costs["step"] * min(_steps(work)) + costs["four"])
    scratch = 0
    if not is_row(work):
        pixel += costs["row"] * work.window.kernel[0]
        scratch = POINTER_BYTES * work.window.kernel[0] + work.rows.shape[1]
    return (Form(work.window.pixels * pixel, scratch_bytes=scratch, lead=(direct(work.window),)),)


def _steps(work: Conv) -> tuple[int, int]:
    """Instructions that take a window's codes: row by row, and all as one row."""
    rows, length = work.window.kernel[0], work.rows.shape[1]
    return rows * -(-length // rows // CODES), -(-length // CODES)


def emit(work: Conv, place: Place) -> Code:
    window, channels = work.window, work.window.out_shape[2]
    by_row, as_one = _steps(work)
    gathers = as_one < by_row
    by_rows = work.rows.reshape(channels, 1 if gathers else window.kernel[0], -1)
    weights = weights_array(place.prefix, _by_step(by_rows), "Weights [fours of out, rows, sixteens of codes, 4, 16].")
    fours = fours_array(place.prefix, work, np.arange(channels + -channels % CHANNELS))
    given, ends = (place.inputs[0], weights.name, fours.name), (work.out_zero, *work.clamp)
    if is_row(work):
        sizes = (window.pixels, window.in_shape[2], channels)
        return Code((weights, fours), call("tp_conv_1x1_mve", *sizes, *given, *ends, place.output))
    pointers = f"(const int8_t **)(void *){place.scratch}"
    copies = f"{place.scratch} + {POINTER_BYTES * window.kernel[0]}"
    scratch = (str(gathers).lower(), pointers, copies)
    body = call("tp_conv_2d_mve", "&window", *given, work.in_zero, *ends, *scratch, place.output)
    return Code((weights, fours), window_constant(window) + body)


def _by_step(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """[fours, rows, steps, 4, 16] of [channels, rows, codes], zeros up to whole ones."""
    channels, rows, codes = weights.shape
    filled = np.pad(weights, ((0, -channels % CHANNELS), (0, 0), (0, -codes % CODES)))
    return np.ascontiguousarray(
        filled.reshape(-1, CHANNELS, rows, filled.shape[2] // CODES, CODES).transpose(0, 2, 3, 1, 4)
    )


KERNEL = Kernel(
    "conv_2d_mve",
    Conv,
    "tp_conv_2d_mve.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"mve"}),
    costs={"step": 10.0, "four": 25.0, "row": 40.0},
)
"""Costs: instructions; nobody has published cycles of a core with Helium."""
