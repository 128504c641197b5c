"""LOGISTIC and TANH of int16 in portable C, from a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._sigmoid import Sigmoid, table

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Sigmoid, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0,)),)


def emit(work: Sigmoid, place: Place) -> Code:
    values = Array("sigmoid_table", "uint16_t", table(), "sigmoid(i / 24) x 65536, as TFLM has it.")
    function = "tp_tanh_int16" if work.hyperbolic else "tp_logistic_int16"
    numbers = (work.multiplier, work.right)
    return Code((values,), call(function, work.elements, values.name, place.inputs[0], *numbers, place.output))


KERNEL = Kernel("sigmoid", Sigmoid, "tp_sigmoid.h", forms, emit, costs={"element": 25.0})
