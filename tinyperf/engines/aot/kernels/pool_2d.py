"""AVERAGE_POOL_2D and MAX_POOL_2D in portable C."""

from __future__ import annotations

from tinyperf.engines.aot.kernels import Code, Cost, Kernel, Place, never
from tinyperf.engines.aot.kernels._parts import call, window_constant
from tinyperf.engines.aot.work import Pool


def cost(work: Pool) -> Cost:
    taps = work.window.kernel[0] * work.window.kernel[1]
    return Cost(cycles=work.window.pixels * work.window.out_shape[2] * (6.0 * taps + 20))


def emit(work: Pool, place: Place) -> Code:
    maximum = "true" if work.maximum else "false"
    arguments = ("&window", maximum, place.inputs[0], *work.clamp, place.output)
    return Code((), window_constant(work.window) + call("tp_pool_2d", *arguments))


KERNEL = Kernel("pool_2d", Pool, "tp_pool_2d.h", never, cost, emit)
