"""DEPTHWISE_CONV_2D of int16 with the DSP instructions, where channels come in fours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, weights_array, window_constant
from tinyperf.engines.aot.kernels._int16 import short_channels, short_lacks, switches
from tinyperf.engines.aot.operators._weighted_int16 import DepthwiseInt16

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: DepthwiseInt16, _: Bounds | None) -> str | None:
    if work.depth_multiplier != 1 or work.window.in_shape[2] % 4:
        return "channels in fours, an output channel for each"
    return short_lacks(work)


def forms(work: DepthwiseInt16, costs: Costs) -> tuple[Form, ...]:
    each = costs["tap"] * work.rows.size + costs["output"] * work.window.out_shape[2]
    return (Form(work.window.pixels * each),)


def emit(work: DepthwiseInt16, place: Place) -> Code:
    height, width, depth = work.weights.shape
    grouped = work.weights.reshape(height, width, depth // 4, 4).transpose(2, 0, 1, 3)
    weights = weights_array(place.prefix, grouped, "Weights [channels / 4, kernel_h, kernel_w, 4].")
    channels = short_channels(work, place.prefix)
    ends = ("&window", place.inputs[0], weights.name, channels.name)
    body = call("tp_depthwise_conv_2d_int16_dsp", *ends, *switches(work), place.output)
    return Code((weights, channels), window_constant(work.window) + body)


KERNEL = Kernel(
    "depthwise_conv_2d_int16_dsp",
    DepthwiseInt16,
    "tp_depthwise_conv_2d_int16_dsp.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"dsp"}),
)
