"""SQUARED_DIFFERENCE in portable C, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import broadcast_call
from tinyperf.engines.aot.operators.squared_difference import SquaredDifference

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: SquaredDifference, costs: Costs) -> tuple[Form, ...]:
    lead = (0, 0) if work.elementwise else ()
    return (Form(costs["element"] * work.elements, lead=lead),)


def emit(work: SquaredDifference, place: Place) -> Code:
    numbers = [
        n
        for zero, (multiplier, shift) in zip((*work.zeros, work.out_zero), work.multipliers, strict=True)
        for n in (zero, multiplier, -shift)
    ]
    return Code((), broadcast_call(work, place, "tp_squared_difference", tuple(numbers)))


KERNEL = Kernel(
    "squared_difference",
    SquaredDifference,
    "tp_squared_difference.h",
    forms,
    emit,
    costs={"element": 45.0},
)
