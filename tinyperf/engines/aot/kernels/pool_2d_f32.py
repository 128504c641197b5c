"""Poolings of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, constant, floats, window_constant
from tinyperf.engines.aot.operators._float_pool import PoolFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place

POOLINGS = {
    "average": ".start = 0.0f, .each = tp_pool_add, .end = tp_pool_average",
    "l2": ".start = 0.0f, .each = tp_pool_add_square, .end = tp_pool_root",
    "max": ".start = -FLT_MAX, .each = tp_larger_f32, .end = tp_pool_plain",
}


def forms(work: PoolFloat, costs: Costs) -> tuple[Form, ...]:
    height, width = work.window.kernel
    each = costs["tap"] * height * width + costs["output"]
    return (Form(work.window.pixels * work.window.in_shape[2] * each),)


def emit(work: PoolFloat, place: Place) -> Code:
    pooling = constant("struct tp_pooling pooling", (POOLINGS[work.pooling],), "const")
    given = ("&window", "pooling", place.inputs[0])
    body = window_constant(work.window) + pooling
    return Code((), body + call("tp_pool_2d_f32", *given, *floats(work.clamp), place.output))


KERNEL = Kernel("pool_2d_f32", PoolFloat, "tp_pool_2d_f32.h", forms, emit, costs={"tap": 8.0, "output": 30.0})
