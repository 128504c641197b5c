"""AVERAGE_POOL_2D of int8 with the DSP instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, window_constant
from tinyperf.engines.aot.kernels._lead import direct
from tinyperf.engines.aot.operators._pool import Pool

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place

MOST_TAPS = 255
"""Codes of a window: the sum of more does not fit 16 bits."""


def lacks(work: Pool, _bounds: Bounds | None) -> str | None:
    if work.maximum or size_of(work.dtype) > 1:
        return "an average, and int8"
    if work.window.in_shape[2] % 4 or work.window.kernel[0] * work.window.kernel[1] > MOST_TAPS:
        return f"channels in fours, and windows of at most {MOST_TAPS} codes"
    return None


def forms(work: Pool, costs: Costs) -> tuple[Form, ...]:
    rows, columns = work.window.kernel
    fours = work.window.pixels * work.window.out_shape[2] // 4
    cycles = fours * (rows * (costs["word"] * columns + costs["row"]) + costs["outputs"])
    return (Form(cycles, lead=(direct(work.window),)),)


def emit(work: Pool, place: Place) -> Code:
    arguments = ("&window", place.inputs[0], *work.clamp, place.output)
    return Code((), window_constant(work.window, place.edge) + call("tp_average_pool_dsp", *arguments))


KERNEL = Kernel(
    "average_pool_dsp",
    Pool,
    "tp_average_pool_dsp.h",
    forms,
    emit,
    lacks,
    by_rows=True,
    needs=frozenset({"dsp"}),
)
