"""LEAKY_RELU of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, floats
from tinyperf.engines.aot.operators.leaky_relu import LeakyReluFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: LeakyReluFloat, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0,)),)


def emit(work: LeakyReluFloat, place: Place) -> Code:
    alpha = floats((work.alpha,))
    return Code((), call("tp_leaky_relu_f32", work.elements, *alpha, place.inputs[0], place.output))


KERNEL = Kernel("leaky_relu_f32", LeakyReluFloat, "tp_leaky_relu_f32.h", forms, emit, costs={"element": 8.0})
