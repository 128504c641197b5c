"""Any convolution with SMLAD: the windows of two pixels gathered into scratch, two channels at a time."""

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
    window_constant,
)
from tinyperf.engines.aot.kernels._lead import gathered
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: Conv, bounds: Bounds | None) -> str | None:
    if _length(work) > LONGEST_COLUMN:
        return f"windows of at most {LONGEST_COLUMN} codes"
    return short_requantization_lacks(work, bounds)


def _length(work: Conv) -> int:
    """Taps of one channel, padded to whole words."""
    taps = int(work.weights[0].size)
    return taps + -taps % 4


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    pixels = work.window.pixels + work.window.pixels % 2
    length, out_c = _length(work), work.window.out_shape[2]
    turns = costs["iteration"] / 4 * dot_iterations(length)  # of two pixels and two channels
    sums = (costs["tap"] * length + turns + costs["output"]) * (out_c + out_c % 2)
    each = sums + costs["gathered"] * length + costs["row"] * work.window.kernel[0]
    return (Form(pixels * each, scratch_bytes=2 * length, lead=(gathered(work.window, 2),)),)


def emit(work: Conv, place: Place) -> Code:
    length = _length(work)
    paired, fillers = filled_rows(work, length, 2)
    weights = weights_array(place.prefix, paired, "Weights [out, kernel_h x kernel_w x in], zeros up to whole words.")
    channels = channels_array(place.prefix, work.channels, folded_bias(work), fillers=fillers)
    body = window_constant(work.window, place.edge) + call(
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


KERNEL = Kernel("conv_2d_dsp", Conv, "tp_conv_2d_dsp.h", forms, emit, lacks, needs=frozenset({"dsp"}), by_rows=True)
