"""Any convolution with SMLAD: the windows of two pixels gathered into scratch, two channels at a time."""

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
    window_constant,
)
from tinyperf.engines.aot.work import Conv

if TYPE_CHECKING:
    from tinyperf.engines import Target


def refuse(work: Conv, target: Target) -> str | None:
    if _length(work) > LONGEST_COLUMN:
        return f"windows of at most {LONGEST_COLUMN} codes"
    return dsp_refusal(work.channels, target)


def _length(work: Conv) -> int:
    """Taps of one channel, padded to whole words."""
    taps = int(work.weights[0].size)
    return taps + -taps % 4


def cost(work: Conv) -> Cost:
    pixels = work.window.pixels + work.window.pixels % 2
    length, out_c = _length(work), work.window.out_shape[2]
    cycles = pixels * (1.65 * length * out_c + 18 * out_c + 1.5 * length + 10 * work.window.kernel[0])
    return Cost(cycles=cycles, scratch_bytes=2 * length)


def emit(work: Conv, place: Place) -> Code:
    length = _length(work)
    rows, paired, fillers = paired_rows(work, length)
    weights = weights_array(place.prefix, paired, "Weights [out, kernel_h x kernel_w x in], zeros up to whole words.")
    bias = folded_bias(work.channels, rows, work.in_zero)
    channels = channels_array(place.prefix, work.channels, bias, fillers=fillers)
    body = window_constant(work.window) + call(
        "tp_conv_2d_dsp",
        "&window",
        length,
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


KERNEL = Kernel("conv_2d_dsp", Conv, "tp_conv_2d_dsp.h", refuse, cost, emit)
