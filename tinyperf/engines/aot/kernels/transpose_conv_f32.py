"""TRANSPOSE_CONV of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, float_array, floats, window_constant
from tinyperf.engines.aot.operators._float_transpose_conv import TransposeConvFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: TransposeConvFloat, costs: Costs) -> tuple[Form, ...]:
    height, width, _ = work.window.in_shape
    outputs = work.window.pixels * work.window.out_shape[2]
    return (Form(costs["tap"] * height * width * work.weights.size + costs["output"] * outputs),)


def emit(work: TransposeConvFloat, place: Place) -> Code:
    weights = float_array(f"{place.prefix}_weights", work.weights, "Weights [out, kernel_h, kernel_w, in].")
    bias = float_array(f"{place.prefix}_bias", work.bias, "Bias of each output channel.")
    arguments = ("&window", place.inputs[0], weights.name, bias.name, *floats(work.clamp), place.output)
    return Code((weights, bias), window_constant(work.window) + call("tp_transpose_conv_f32", *arguments))


KERNEL = Kernel(
    "transpose_conv_f32",
    TransposeConvFloat,
    "tp_transpose_conv_f32.h",
    forms,
    emit,
    costs={"tap": 8.0, "output": 60.0},
)
