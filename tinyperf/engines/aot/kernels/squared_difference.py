"""SQUARED_DIFFERENCE in portable C, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.arithmetic import code_range
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import numbers_constant, pairs_call
from tinyperf.engines.aot.kernels._lead import over_whole
from tinyperf.engines.aot.operators.squared_difference import SquaredDifference

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: SquaredDifference, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=over_whole(work)),)


def emit(work: SquaredDifference, place: Place) -> Code:
    numbers = [
        n
        for zero, (multiplier, shift) in zip((*work.zeros, work.out_zero), work.multipliers, strict=True)
        for n in (zero, multiplier, -shift)
    ]
    numbers += [work.fraction_bits, *code_range(work.dtype)]
    body = numbers_constant("tp_squared_difference", "numbers", tuple(numbers))
    return Code((), body + pairs_call(work, place, (work.dtype, work.dtype), "tp_squared_difference(&numbers, a, b)"))


KERNEL = Kernel(
    "squared_difference",
    SquaredDifference,
    "tp_squared_difference.h",
    forms,
    emit,
    costs={"element": 45.0},
)
