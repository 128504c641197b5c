"""Depthwise convolution with the DSP instructions: four channels x two pixels on a ring of padded rows; in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from tinyperf.engines.aot.operators.depthwise_conv_2d import Depthwise

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: Depthwise, bounds: Bounds | None) -> str | None:
    if work.depth_multiplier != 1 or work.window.dilation != (1, 1) or work.window.in_shape[2] % 4:
        return "depth multiplier 1, dilation 1 and channels in fours"
    return short_requantization_lacks(work, bounds)


def _padded_width(work: Depthwise) -> int:
    """Columns that the windows of one row of outputs reach over."""
    window = work.window
    return (window.out_shape[1] - 1) * window.stride[1] + window.kernel[1]


def forms(work: Depthwise, costs: Costs) -> tuple[Form, ...]:
    window = work.window
    row = _padded_width(work) * window.in_shape[2]
    each = costs["tap"] * work.weights.size + costs["output"] * window.out_shape[2]
    cycles = window.pixels * each + costs["copied"] * window.in_shape[0] * row
    # A row of output is written after the rows it needs were copied, so it may take the place of its input.
    same = window.in_shape == window.out_shape and window.stride == (1, 1)
    lead = (0,) if same else ()
    return (Form(cycles, scratch_bytes=window.kernel[0] * row, lead=lead),)


def emit(work: Depthwise, place: Place) -> Code:
    weights = weights_array(place.prefix, work.weights, "Weights [kernel_h, kernel_w, channels].")
    channels = channels_array(place.prefix, work.channels, folded_bias(work))
    body = window_constant(work.window) + call(
        "tp_depthwise_conv_2d_dsp",
        "&window",
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
    "depthwise_conv_2d_dsp", Depthwise, "tp_depthwise_conv_2d_dsp.h", forms, emit, lacks, needs=frozenset({"dsp"})
)
