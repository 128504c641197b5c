"""MEAN in portable C, over any axes."""

from __future__ import annotations

from tinyperf.engines.aot.kernels import Code, Cost, Kernel, Place, never
from tinyperf.engines.aot.kernels._parts import call, ints
from tinyperf.engines.aot.work import Mean, elements


def cost(work: Mean) -> Cost:
    return Cost(cycles=6.0 * elements(work.shape))


def emit(work: Mean, place: Place) -> Code:
    body = f"    static const int32_t shape[5] = {ints(work.shape)};\n"
    numbers = (work.in_zero, work.multiplier, -work.shift, work.out_zero)
    return Code((), body + call("tp_mean", "shape", place.inputs[0], *numbers, place.output))


KERNEL = Kernel("mean", Mean, "tp_mean.h", never, cost, emit)
