"""TRANSPOSE_CONV of int16 in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, window_constant
from tinyperf.engines.aot.kernels._int16 import parameters
from tinyperf.engines.aot.operators.transpose_conv import TransposeConvInt16

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: TransposeConvInt16, costs: Costs) -> tuple[Form, ...]:
    height, width, _ = work.window.in_shape
    outputs = work.window.pixels * work.window.out_shape[2]
    return (Form(costs["tap"] * height * width * work.weights.size + costs["output"] * outputs),)


def emit(work: TransposeConvInt16, place: Place) -> Code:
    arrays, arguments = parameters(work, place.prefix)
    body = call("tp_transpose_conv_int16", "&window", place.inputs[0], *arguments, place.output)
    return Code(arrays, window_constant(work.window) + body)


KERNEL = Kernel(
    "transpose_conv_int16",
    TransposeConvInt16,
    "tp_transpose_conv_int16.h",
    forms,
    emit,
    costs={"tap": 9.0, "output": 80.0},
)
