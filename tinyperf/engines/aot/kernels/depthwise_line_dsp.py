"""Depthwise convolution along one axis, without padding, with the DSP instructions; in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import (
    call,
    channels_array,
    folded_bias,
    numbers_constant,
    short_requantization_lacks,
    weights_array,
)
from tinyperf.engines.aot.operators.depthwise_conv_2d import Depthwise

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place
    from tinyperf.engines.aot.operators._window import Window

AT_ONCE = 3
"""Outputs."""


@dataclass(frozen=True)
class Lines:
    """Of images along the axis: how many lines, outputs of each, taps; bytes from a tap to the next one, from an
    output's codes to the next one's, from an output to the next one, from a line to the next one and from its outputs
    to the next ones.
    """

    lines: int
    count: int
    taps: int
    tap: int
    step: int
    made: int
    line: int
    outputs: int


def lines(window: Window) -> Lines:
    """Of a window of which one side is 1."""
    (_, in_w, in_c), (out_h, out_w, _) = window.in_shape, window.out_shape
    (height, width), (stride_h, stride_w), (dilation_h, dilation_w) = window.kernel, window.stride, window.dilation
    row, made = in_w * in_c, out_w * in_c
    if width == 1:
        return Lines(out_w, out_h, height, dilation_h * row, stride_h * row, made, stride_w * in_c, in_c)
    return Lines(out_h, out_w, width, dilation_w * in_c, stride_w * in_c, in_c, stride_h * row, made)


def lacks(work: Depthwise, bounds: Bounds | None) -> str | None:
    window = work.window
    if 1 not in window.kernel or window.padded:
        return "a kernel of one row or column, and no padding"
    if work.depth_multiplier != 1 or window.in_shape[2] % 4:
        return "channels in fours, an output channel for each"
    return short_requantization_lacks(work, bounds)


def forms(work: Depthwise, costs: Costs) -> tuple[Form, ...]:
    window = work.window
    over = lines(window)
    product = costs["product" if over.tap == over.step else "product apart"]
    groups = -(-over.count // AT_ONCE)
    each = over.taps * (groups * costs["tap"] + over.count * product) + over.count * costs["output"]
    cycles = over.lines * window.in_shape[2] * each
    # What a line writes is of lines done, or of its own.
    along = window.out_shape[1] == window.in_shape[1] if window.kernel[1] == 1 else window.stride[0] == 1
    return (Form(cycles, lead=(0,), exact=True) if along else Form(cycles),)


def emit(work: Depthwise, place: Place) -> Code:
    depth, over = work.window.in_shape[2], lines(work.window)
    grouped = work.weights.reshape(over.taps, depth // 4, 4).transpose(1, 0, 2)
    weights = weights_array(place.prefix, grouped, "Weights [channels / 4, taps, 4].")
    channels = channels_array(place.prefix, work.channels, folded_bias(work))
    numbers = (over.taps, over.tap, over.step, over.made, work.out_zero, *work.clamp)
    ends = place.inputs[0], place.output
    body = numbers_constant("tp_line", "line", numbers)
    if over.lines > 1:
        body += f"    for (int32_t i = 0; i < {over.lines}; i++) {{\n    "
        ends = f"&({ends[0]})[i * {over.line}]", f"&({ends[1]})[i * {over.outputs}]"
    given, made = ends
    body += call("tp_depthwise_line_dsp", "&line", depth, over.count, given, weights.name, channels.name, made)
    return Code((weights, channels), body + ("\n    }" if over.lines > 1 else ""))


KERNEL = Kernel(
    "depthwise_line_dsp",
    Depthwise,
    "tp_depthwise_line_dsp.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"dsp"}),
)
