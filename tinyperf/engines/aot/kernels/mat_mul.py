"""Products of computed matrices in portable C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators.batch_matmul import MatMul

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place
    from tinyperf.engines.aot.operators._matrix import Side


def forms(work: MatMul, costs: Costs) -> tuple[Form, ...]:
    outputs = math.prod(work.batches) * work.rows * work.columns
    return (Form(outputs * (costs["output"] + costs["tap"] * work.depth)),)


def emit(work: MatMul, place: Place) -> Code:
    arrays: tuple[Array, ...] = ()
    bias = "NULL"
    if work.bias.any():
        arrays = (Array(f"{place.prefix}_bias", "int32_t", work.bias, "One bias per column."),)
        bias = arrays[0].name
    body = (
        f"    static const int32_t sizes[6] = {ints((*work.batches, work.rows, work.columns, work.depth))};\n"
        f"    static const struct tp_operand left = {_side(work.left)};\n"
        f"    static const struct tp_operand right = {_side(work.right)};\n"
    )
    numbers = (work.multiplier, -work.shift, work.out_zero, *work.clamp, size_of(work.dtype))
    arguments = ("sizes", "&left", place.inputs[0], "&right", place.inputs[1], bias, *numbers, place.output)
    return Code(arrays, body + call("tp_mat_mul", *arguments))


def _side(side: Side) -> str:
    return "{" + ints(side.batches) + f", {side.row}, {side.entry}, {side.zero}}}"


KERNEL = Kernel("mat_mul", MatMul, "tp_mat_mul.h", forms, emit, costs={"output": 40.0, "tap": 6.0})
