"""CONV_2D in groups, in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, channels_array, weights_array, window_constant
from tinyperf.engines.aot.operators._grouped import GroupedConv

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: GroupedConv, costs: Costs) -> tuple[Form, ...]:
    each = costs["tap"] * work.weights.size + costs["output"] * work.window.out_shape[2]
    return (Form(work.window.pixels * each),)


def emit(work: GroupedConv, place: Place) -> Code:
    weights = weights_array(place.prefix, work.weights, "Weights [out, kernel_h, kernel_w, in / groups].")
    channels = channels_array(place.prefix, work.channels)
    numbers = (work.in_zero, work.out_zero, *work.clamp)
    arguments = ("&window", work.depth, work.each, place.inputs[0], weights.name, channels.name, *numbers, place.output)
    return Code((weights, channels), window_constant(work.window) + call("tp_grouped_conv_2d", *arguments))


KERNEL = Kernel("grouped_conv_2d", GroupedConv, "tp_grouped_conv_2d.h", forms, emit, costs={"tap": 6.0, "output": 50.0})
