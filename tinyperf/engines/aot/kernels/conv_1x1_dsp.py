"""1x1 convolutions and fully connected layers of many rows with SMLAD: two pixels x two channels, no scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import (
    LONGEST_COLUMN,
    call,
    channels_array,
    dot_iterations,
    filled_rows,
    folded_bias,
    short_requantization_lacks,
    weights_array,
)
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place

CACHE_BYTES = 256
"""Of weights that stay close while the pixels pass by, where flash is slow: two channels' share it with constants."""


def lacks(work: Conv, bounds: Bounds | None) -> str | None:
    window = work.window
    length = window.in_shape[2]
    if window.kernel != (1, 1) or window.stride != (1, 1) or window.pixels < 2:
        return "a 1x1 kernel, stride 1 and at least two pixels"
    if length % 4 or length > LONGEST_COLUMN:
        return f"input channels in fours, at most {LONGEST_COLUMN}"
    return short_requantization_lacks(work, bounds)


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    length, pixels, channels = work.window.in_shape[2], -(-work.window.pixels // 2), -(-work.window.out_shape[2] // 2)
    taps = costs["taps"] + (costs["uncached"] if 2 * length >= CACHE_BYTES else 0.0)
    sums = taps * length / 4 + costs["iteration"] * dot_iterations(length)
    return (Form(channels * (pixels * (sums + costs["outputs"]) + costs["channels"])),)


def emit(work: Conv, place: Place) -> Code:
    window = work.window
    paired, fillers = filled_rows(work, window.in_shape[2], 2)
    weights = weights_array(place.prefix, paired, "Weights [out, in].")
    channels = channels_array(place.prefix, work.channels, folded_bias(work), fillers=fillers)
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


KERNEL = Kernel("conv_1x1_dsp", Conv, "tp_conv_1x1_dsp.h", forms, emit, lacks, needs=frozenset({"dsp"}), by_rows=True)
