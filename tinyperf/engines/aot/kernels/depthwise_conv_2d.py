"""DEPTHWISE_CONV_2D in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, channels_array, weights_array, window_constant
from tinyperf.engines.aot.kernels._lead import direct
from tinyperf.engines.aot.operators.depthwise_conv_2d import Depthwise

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Depthwise, costs: Costs) -> tuple[Form, ...]:
    each = costs["tap"] * work.weights.size + costs["output"] * work.window.out_shape[2]
    return (Form(work.window.pixels * each, lead=(direct(work.window),)),)


def emit(work: Depthwise, place: Place) -> Code:
    weights = weights_array(place.prefix, work.weights, "Weights [kernel_h, kernel_w, out].")
    channels = channels_array(place.prefix, work.channels)
    body = window_constant(work.window, place.edge) + call(
        "tp_depthwise_conv_2d",
        "&window",
        work.depth_multiplier,
        place.inputs[0],
        weights.name,
        channels.name,
        work.in_zero,
        work.out_zero,
        *work.clamp,
        place.output,
    )
    return Code((weights, channels), body)


KERNEL = Kernel("depthwise_conv_2d", Depthwise, "tp_depthwise_conv_2d.h", forms, emit, by_rows=True)
