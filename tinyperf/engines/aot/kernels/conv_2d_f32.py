"""CONV_2D and FULLY_CONNECTED of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, float_array, floats, window_constant
from tinyperf.engines.aot.operators._float_weighted import ConvFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: ConvFloat, costs: Costs) -> tuple[Form, ...]:
    each = costs["tap"] * work.weights.size + costs["output"] * work.window.out_shape[2]
    return (Form(work.window.pixels * each),)


def emit(work: ConvFloat, place: Place) -> Code:
    weights = float_array(f"{place.prefix}_weights", work.weights, "Weights [out, kernel_h, kernel_w, in / groups].")
    bias = float_array(f"{place.prefix}_bias", work.bias, "Bias of each output channel.")
    given = ("&window", work.groups, place.inputs[0], weights.name, bias.name)
    body = window_constant(work.window) + call("tp_conv_2d_f32", *given, *floats(work.clamp), place.output)
    return Code((weights, bias), body)


KERNEL = Kernel("conv_2d_f32", ConvFloat, "tp_conv_2d_f32.h", forms, emit, costs={"tap": 7.0, "output": 30.0})
