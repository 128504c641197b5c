"""DEPTHWISE_CONV_2D of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, float_array, floats, window_constant
from tinyperf.engines.aot.operators._float_weighted import DepthwiseFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: DepthwiseFloat, costs: Costs) -> tuple[Form, ...]:
    each = costs["tap"] * work.weights.size + costs["output"] * work.window.out_shape[2]
    return (Form(work.window.pixels * each),)


def emit(work: DepthwiseFloat, place: Place) -> Code:
    weights = float_array(f"{place.prefix}_weights", work.weights, "Weights [kernel_h, kernel_w, out].")
    bias = float_array(f"{place.prefix}_bias", work.bias, "Bias of each output channel.")
    given = ("&window", work.depth_multiplier, place.inputs[0], weights.name, bias.name)
    body = window_constant(work.window) + call("tp_depthwise_conv_2d_f32", *given, *floats(work.clamp), place.output)
    return Code((weights, bias), body)


KERNEL = Kernel(
    "depthwise_conv_2d_f32",
    DepthwiseFloat,
    "tp_depthwise_conv_2d_f32.h",
    forms,
    emit,
    costs={"tap": 7.0, "output": 30.0},
)
