"""SOFTMAX in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.kernels._each import lead
from tinyperf.engines.aot.operators.softmax import Softmax

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Softmax, costs: Costs) -> tuple[Form, ...]:
    cycles = work.rows * (costs["row"] + costs["element"] * work.depth)
    return (Form(cycles, lead=lead(work.rows * work.depth, "int8", work.made)),)


def emit(work: Softmax, place: Place) -> Code:
    numbers = (work.multiplier, work.left_shift, work.diff_min, size_of(work.made))
    return Code((), call("tp_softmax", work.rows, work.depth, place.inputs[0], *numbers, place.output))


KERNEL = Kernel("softmax", Softmax, "tp_softmax.h", forms, emit)
