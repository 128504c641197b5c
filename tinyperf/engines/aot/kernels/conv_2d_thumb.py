"""Any convolution in Armv6-M assembly: the windows of four pixels as words, one channel at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import (
    call,
    channels_array,
    filled_rows,
    folded_bias,
    weights_array,
    window_constant,
)
from tinyperf.engines.aot.kernels._lead import gathered
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place

PIXELS, WORD = 4, 4


def _length(work: Conv) -> int:
    """Taps of one channel, padded to whole words of weights."""
    taps = int(work.weights[0].size)
    return taps + -taps % WORD


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    fours, length, out_c = -(-work.window.pixels // PIXELS), _length(work), work.window.out_shape[2]
    each = costs["tap"] * length * PIXELS + costs["output"] * PIXELS + costs["channel"]
    cycles = fours * (out_c * each + costs["gathered"] * length * PIXELS)
    return (Form(cycles, scratch_bytes=WORD * PIXELS * length, lead=(gathered(work.window, PIXELS),)),)


def emit(work: Conv, place: Place) -> Code:
    length = _length(work)
    rows, _ = filled_rows(work, length, 1)
    weights = weights_array(place.prefix, rows, "Weights [out, kernel_h x kernel_w x in], zeros up to whole words.")
    channels = channels_array(place.prefix, work.channels, folded_bias(work))
    body = window_constant(work.window) + call(
        "tp_conv_2d_thumb",
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


KERNEL = Kernel(
    "conv_2d_thumb",
    Conv,
    "tp_conv_2d_thumb.h",
    forms,
    emit,
    needs=frozenset({"thumb"}),
    costs={"tap": 4.1, "output": 90.0, "channel": 104.0, "gathered": 14.0},
)
