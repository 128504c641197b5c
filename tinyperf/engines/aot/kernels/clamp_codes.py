"""RELU6 on its own in portable C."""

from __future__ import annotations

from tinyperf.engines.aot.kernels import Code, Cost, Kernel, Place, never
from tinyperf.engines.aot.kernels._parts import call
from tinyperf.engines.aot.work import Clamp


def cost(work: Clamp) -> Cost:
    return Cost(cycles=8.0 * work.elements, in_place=True)


def emit(work: Clamp, place: Place) -> Code:
    return Code((), call("tp_clamp_codes", work.elements, place.inputs[0], *work.clamp, place.output))


KERNEL = Kernel("clamp_codes", Clamp, "tp_clamp_codes.h", never, cost, emit)
