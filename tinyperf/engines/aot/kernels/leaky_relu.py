"""LEAKY_RELU of int16 in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.leaky_relu import LeakyRelu

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: LeakyRelu, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0,)),)


def emit(work: LeakyRelu, place: Place) -> Code:
    (up, up_shift), (down, down_shift) = work.positive, work.negative
    factors = (up, -up_shift, down, -down_shift)
    return Code((), call("tp_leaky_relu", work.elements, place.inputs[0], *factors, place.output))


KERNEL = Kernel("leaky_relu", LeakyRelu, "tp_leaky_relu.h", forms, emit, costs={"element": 22.0})
