"""SOFTMAX of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, floats
from tinyperf.engines.aot.operators._float_rows import SoftmaxFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: SoftmaxFloat, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.rows * work.depth, lead=(0,)),)


def emit(work: SoftmaxFloat, place: Place) -> Code:
    return Code((), call("tp_softmax_f32", work.rows, work.depth, *floats((work.beta,)), place.inputs[0], place.output))


KERNEL = Kernel("softmax_f32", SoftmaxFloat, "tp_softmax_f32.h", forms, emit, costs={"element": 100.0})
