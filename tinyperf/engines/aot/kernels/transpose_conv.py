"""TRANSPOSE_CONV in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, channels_array, weights_array, window_constant
from tinyperf.engines.aot.operators.transpose_conv import TransposeConv

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: TransposeConv, costs: Costs) -> tuple[Form, ...]:
    height, width, _ = work.window.in_shape
    outputs = work.window.pixels * work.window.out_shape[2]
    return (Form(costs["tap"] * height * width * work.weights.size + costs["output"] * outputs),)


def emit(work: TransposeConv, place: Place) -> Code:
    weights = weights_array(place.prefix, work.weights, "Weights [out, kernel_h, kernel_w, in].")
    channels = channels_array(place.prefix, work.channels)
    numbers = (work.in_zero, work.out_zero, *work.clamp)
    arguments = ("&window", place.inputs[0], weights.name, channels.name, *numbers, place.output)
    return Code((weights, channels), window_constant(work.window) + call("tp_transpose_conv", *arguments))


KERNEL = Kernel(
    "transpose_conv",
    TransposeConv,
    "tp_transpose_conv.h",
    forms,
    emit,
    costs={"tap": 6.0, "output": 60.0},
)
