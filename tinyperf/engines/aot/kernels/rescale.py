"""QUANTIZE from int8 to int8, and RELU on its own, in portable C."""

from __future__ import annotations

from tinyperf.engines.aot.kernels import Code, Cost, Kernel, Place, never
from tinyperf.engines.aot.kernels._parts import call
from tinyperf.engines.aot.work import Rescale


def cost(work: Rescale) -> Cost:
    return Cost(cycles=20.0 * work.elements, in_place=True)


def emit(work: Rescale, place: Place) -> Code:
    numbers = (work.in_zero, work.multiplier, -work.shift, work.out_zero, *work.clamp)
    return Code((), call("tp_rescale", work.elements, place.inputs[0], *numbers, place.output))


KERNEL = Kernel("rescale", Rescale, "tp_rescale.h", never, cost, emit)
