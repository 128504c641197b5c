"""AVERAGE_POOL_2D and MAX_POOL_2D in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, window_constant
from tinyperf.engines.aot.kernels._lead import direct
from tinyperf.engines.aot.operators._pool import Pool

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Pool, costs: Costs) -> tuple[Form, ...]:
    taps = work.window.kernel[0] * work.window.kernel[1]
    outputs = work.window.pixels * work.window.out_shape[2]
    return (Form(outputs * (costs["tap"] * taps + costs["output"]), lead=(direct(work.window),)),)


def emit(work: Pool, place: Place) -> Code:
    maximum = "true" if work.maximum else "false"
    arguments = ("&window", maximum, place.inputs[0], *work.clamp, size_of(work.dtype), place.output)
    return Code((), window_constant(work.window, place.edge) + call("tp_pool_2d", *arguments))


KERNEL = Kernel("pool_2d", Pool, "tp_pool_2d.h", forms, emit, by_rows=True)
