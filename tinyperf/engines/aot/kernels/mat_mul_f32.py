"""Products of computed matrices of floats in portable C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, float_array, floats, ints
from tinyperf.engines.aot.operators._float_matmul import MatMulFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place
    from tinyperf.engines.aot.operators._matrix import Side


def forms(work: MatMulFloat, costs: Costs) -> tuple[Form, ...]:
    outputs = math.prod(work.batches) * work.rows * work.columns
    return (Form(outputs * (costs["output"] + costs["tap"] * work.depth)),)


def emit(work: MatMulFloat, place: Place) -> Code:
    arrays: tuple[Array, ...] = ()
    bias = "NULL"
    if work.bias.any():
        arrays = (float_array(f"{place.prefix}_bias", work.bias, "One bias per column."),)
        bias = arrays[0].name
    body = (
        f"    static const int32_t sizes[6] = {ints((*work.batches, work.rows, work.columns, work.depth))};\n"
        f"    static const struct tp_side_f32 left = {_side(work.left)};\n"
        f"    static const struct tp_side_f32 right = {_side(work.right)};\n"
    )
    given = ("sizes", "&left", place.inputs[0], "&right", place.inputs[1], bias)
    return Code(arrays, body + call("tp_mat_mul_f32", *given, *floats(work.clamp), place.output))


def _side(side: Side) -> str:
    return "{" + ints(side.batches) + f", {side.row}, {side.entry}}}"


KERNEL = Kernel("mat_mul_f32", MatMulFloat, "tp_mat_mul_f32.h", forms, emit, costs={"output": 40.0, "tap": 10.0})
