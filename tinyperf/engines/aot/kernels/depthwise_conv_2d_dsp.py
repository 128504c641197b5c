"""Depthwise convolution with the DSP instructions: four channels x two pixels on a ring of padded rows; in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import (
    call,
    channels_array,
    folded_bias,
    short_requantization_lacks,
    weights_array,
    window_constant,
)
from tinyperf.engines.aot.kernels._lead import by_rows
from tinyperf.engines.aot.operators.depthwise_conv_2d import Depthwise

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def _padded_width(work: Depthwise) -> int:
    """Columns that the windows of one row of outputs reach over."""
    window = work.window
    reach = (window.kernel[1] - 1) * window.dilation[1] + 1
    return (window.out_shape[1] - 1) * window.stride[1] + reach


def forms(work: Depthwise, costs: Costs) -> tuple[Form, ...]:
    window = work.window
    row = _padded_width(work) * window.in_shape[2]
    reach = (window.kernel[0] - 1) * window.dilation[0] + 1
    multiplier, fillers = work.depth_multiplier, -window.out_shape[2] % 4
    taps = (work.weights.shape[2] + fillers) * window.kernel[0] * window.kernel[1]
    each = costs[_loads(work)] * taps + costs["output"] * (window.out_shape[2] + fillers)
    pairs = window.out_shape[0] * -(-window.out_shape[1] // 2)  # a pixel that is left alone costs as much as two
    cycles = 2 * pairs * each + costs["copied"] * window.in_shape[0] * row
    beyond = fillers if multiplier == 1 else 0
    return (Form(cycles, scratch_bytes=reach * row + beyond, lead=(by_rows(window),)),)


def _loads(work: Depthwise) -> str:
    """What a tap costs: by how the codes of four output channels are loaded."""
    multiplier = work.depth_multiplier
    if multiplier == 1:
        return "tap"
    if multiplier % 4 == 0:
        return "tap of one code"
    return "tap of two codes" if multiplier == 2 and work.window.out_shape[2] % 4 == 0 else "tap of four codes"


def emit(work: Depthwise, place: Place) -> Code:
    fillers = -work.weights.shape[2] % 4
    filled = np.pad(work.weights, ((0, 0), (0, 0), (0, fillers)))
    weights = weights_array(place.prefix, filled, "Weights [kernel_h, kernel_w, channels].")
    channels = channels_array(place.prefix, work.channels, folded_bias(work), fillers=fillers)
    body = window_constant(work.window, place.edge) + call(
        "tp_depthwise_conv_2d_dsp",
        "&window",
        work.depth_multiplier,
        _padded_width(work),
        place.inputs[0],
        weights.name,
        channels.name,
        work.in_zero,
        work.out_zero,
        *work.clamp,
        place.scratch,
        place.output,
    )
    return Code((weights, channels), body)


KERNEL = Kernel(
    "depthwise_conv_2d_dsp",
    Depthwise,
    "tp_depthwise_conv_2d_dsp.h",
    forms,
    emit,
    short_requantization_lacks,
    by_rows=True,
    needs=frozenset({"dsp"}),
)
