"""ABS of int16 in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.abs import AbsoluteInt16

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: AbsoluteInt16, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0,)),)


def emit(work: AbsoluteInt16, place: Place) -> Code:
    numbers = (work.elements, work.multiplier, -work.shift)
    return Code((), call("tp_absolute_int16", *numbers, place.inputs[0], place.output))


KERNEL = Kernel("absolute_int16", AbsoluteInt16, "tp_absolute_int16.h", forms, emit, costs={"element": 15.0})
