"""1x1 convolutions and fully connected layers in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, channels_array, folded_bias, weights_array
from tinyperf.engines.aot.kernels._lead import direct
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place

MOST_CODES = 2**16
"""Input channels, so that no sum of products leaves 32 bits."""


def lacks(work: Conv, _: Bounds | None) -> str | None:
    window = work.window
    if window.kernel != (1, 1) or window.stride != (1, 1) or window.in_shape[2] > MOST_CODES:
        return f"a 1x1 kernel, stride 1, and at most {MOST_CODES} input channels"
    return None


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    each = costs["tap"] * work.weights.size + costs["output"] * work.window.out_shape[2]
    return (Form(work.window.pixels * each, lead=(direct(work.window),)),)


def emit(work: Conv, place: Place) -> Code:
    window = work.window
    weights = weights_array(place.prefix, work.weights, "Weights [out, in].")
    channels = channels_array(place.prefix, work.channels, folded_bias(work))
    ends = (window.pixels, window.in_shape[2], window.out_shape[2], place.inputs[0], weights.name, channels.name)
    return Code((weights, channels), call("tp_conv_1x1", *ends, work.out_zero, *work.clamp, place.output))


KERNEL = Kernel("conv_1x1", Conv, "tp_conv_1x1.h", forms, emit, lacks, by_rows=True, costs={"tap": 6.5, "output": 40.0})
