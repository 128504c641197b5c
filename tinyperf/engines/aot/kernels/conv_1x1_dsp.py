"""1x1 convolutions and fully connected layers of many rows with SMLAD: two pixels x two channels, no scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.kernels import Code, Cost, Kernel, Place
from tinyperf.engines.aot.kernels._parts import (
    LONGEST_COLUMN,
    call,
    channels_array,
    dsp_refusal,
    folded_bias,
    paired_rows,
    weights_array,
)
from tinyperf.engines.aot.work import Conv

if TYPE_CHECKING:
    from tinyperf.engines import Target


def refuse(work: Conv, target: Target) -> str | None:
    window = work.window
    length = window.in_shape[2]
    if window.kernel != (1, 1) or window.stride != (1, 1) or window.pixels < 2:
        return "a 1x1 kernel, stride 1 and at least two pixels"
    if length % 4 or length > LONGEST_COLUMN:
        return f"input channels in fours, at most {LONGEST_COLUMN}"
    return dsp_refusal(work.channels, target)


def cost(work: Conv) -> Cost:
    pixels = work.window.pixels + work.window.pixels % 2
    return Cost(cycles=pixels * (1.65 * work.weights.size + 14 * work.window.out_shape[2]))


def emit(work: Conv, place: Place) -> Code:
    window = work.window
    rows, paired, fillers = paired_rows(work, window.in_shape[2])
    weights = weights_array(place.prefix, paired, "Weights [out, in].")
    bias = folded_bias(work.channels, rows, work.in_zero)
    channels = channels_array(place.prefix, work.channels, bias, fillers=fillers)
    body = call(
        "tp_conv_1x1_dsp",
        window.pixels,
        window.in_shape[2],
        window.out_shape[2],
        place.inputs[0],
        weights.name,
        channels.name,
        work.out_zero,
        *work.clamp,
        place.output,
    )
    return Code((weights, channels), body)


KERNEL = Kernel("conv_1x1_dsp", Conv, "tp_conv_1x1_dsp.h", refuse, cost, emit)
