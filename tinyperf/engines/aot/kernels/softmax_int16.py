"""SOFTMAX of int16 in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._softmax_int16 import SoftmaxInt16, tables

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: SoftmaxInt16, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.rows * work.depth, lead=(0,)),)


def emit(work: SoftmaxInt16, place: Place) -> Code:
    """The tables are the same for every layer."""
    exponential, reciprocal = tables()
    arrays = (
        Array("exponential_table", "int16_t", exponential, "exp(x) x 32768, from x = -10 to 0."),
        Array("reciprocal_table", "int16_t", reciprocal, "1 / (1 + x) x 32768, from x = 0 to 1."),
    )
    sizes, factor = (work.rows, work.depth), (work.multiplier, -work.shift)
    names = (arrays[0].name, arrays[1].name)
    return Code(arrays, call("tp_softmax_int16", *sizes, place.inputs[0], *factor, *names, place.output))


KERNEL = Kernel("softmax_int16", SoftmaxInt16, "tp_softmax_int16.h", forms, emit, costs={"element": 45.0})
