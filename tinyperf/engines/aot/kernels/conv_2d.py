"""CONV_2D and FULLY_CONNECTED in portable C."""

from __future__ import annotations

from tinyperf.engines.aot.kernels import Code, Cost, Kernel, Place, never
from tinyperf.engines.aot.kernels._parts import call, channels_array, weights_array, window_constant
from tinyperf.engines.aot.work import Conv


def cost(work: Conv) -> Cost:
    return Cost(cycles=work.window.pixels * (6.0 * work.weights.size + 40 * work.window.out_shape[2]))


def emit(work: Conv, place: Place) -> Code:
    weights = weights_array(place.prefix, work.weights, "Weights [out, kernel_h, kernel_w, in].")
    channels = channels_array(place.prefix, work.channels)
    body = window_constant(work.window) + call(
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


KERNEL = Kernel("conv_2d", Conv, "tp_conv_2d.h", never, cost, emit)
