"""Sums, differences, products and quotients of int32 in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_int
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import pairs_call
from tinyperf.engines.aot.kernels._lead import over_whole
from tinyperf.engines.aot.operators._int_pair import IntPair

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place

WRAPPING = {
    "add": "(uint32_t)a + (uint32_t)b",
    "sub": "(uint32_t)a - (uint32_t)b",
    "mul": "(uint32_t)a * (uint32_t)b",
    "div": "b == 0 ? 0U : (b == -1 ? 0U - (uint32_t)a : (uint32_t)(a / b))",
    "squared_difference": "((uint32_t)a - (uint32_t)b) * ((uint32_t)a - (uint32_t)b)",
}


def forms(work: IntPair, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=over_whole(work)),)


def emit(work: IntPair, place: Place) -> Code:
    low, high = map(c_int, work.clamp)
    expression = f"tp_clamp((int32_t)({WRAPPING[work.function]}), {low}, {high})"
    return Code((), pairs_call(work, place, ("int32", "int32"), expression))


KERNEL = Kernel("int_pair", IntPair, "tp_pairs.h", forms, emit, costs={"element": 10.0})
