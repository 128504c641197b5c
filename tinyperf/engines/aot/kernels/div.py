"""DIV in portable C, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import numbers_constant, pairs_call
from tinyperf.engines.aot.kernels._lead import over_whole
from tinyperf.engines.aot.operators.div import Div

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Div, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=over_whole(work)),)


def emit(work: Div, place: Place) -> Code:
    numbers = (*work.zeros, work.multiplier, work.shift, work.out_zero, *work.clamp)
    body = numbers_constant("tp_div", "numbers", numbers)
    return Code((), body + pairs_call(work, place, ("int8", "int8"), "tp_div(&numbers, a, b)"))


KERNEL = Kernel("div", Div, "tp_div.h", forms, emit, costs={"element": 140.0})
