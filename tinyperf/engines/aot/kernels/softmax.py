"""SOFTMAX in portable C."""

from __future__ import annotations

from tinyperf.engines.aot.kernels import Code, Cost, Kernel, Place, never
from tinyperf.engines.aot.kernels._parts import call
from tinyperf.engines.aot.work import Softmax


def cost(work: Softmax) -> Cost:
    return Cost(cycles=400.0 * work.rows * work.depth, in_place=True)


def emit(work: Softmax, place: Place) -> Code:
    numbers = (work.multiplier, work.left_shift, work.diff_min)
    return Code((), call("tp_softmax", work.rows, work.depth, place.inputs[0], *numbers, place.output))


KERNEL = Kernel("softmax", Softmax, "tp_softmax.h", never, cost, emit)
