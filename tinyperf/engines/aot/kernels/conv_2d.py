"""CONV_2D and FULLY_CONNECTED in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, channels_array, weights_array, window_constant
from tinyperf.engines.aot.kernels._lead import direct
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    window = work.window
    output = costs["row"] * window.kernel[0] + costs["output"]
    each = costs["tap"] * work.weights.size + output * window.out_shape[2]
    return (Form(window.pixels * each, lead=(direct(window),)),)


def emit(work: Conv, place: Place) -> Code:
    weights = weights_array(place.prefix, work.weights, "Weights [out, kernel_h, kernel_w, in].")
    channels = channels_array(place.prefix, work.channels)
    body = window_constant(work.window, place.edge) + call(
        "tp_conv_2d",
        "&window",
        place.inputs[0],
        weights.name,
        channels.name,
        work.in_zero,
        work.out_zero,
        *work.clamp,
        place.output,
    )
    return Code((weights, channels), body)


KERNEL = Kernel("conv_2d", Conv, "tp_conv_2d.h", forms, emit, by_rows=True)
