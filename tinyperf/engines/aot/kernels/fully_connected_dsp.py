"""FULLY_CONNECTED of one row with SMLAD: four outputs at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.kernels import Code, Cost, Kernel, Place
from tinyperf.engines.aot.kernels._parts import call, channels_array, dsp_refusal, folded_bias, weights_array
from tinyperf.engines.aot.work import Conv

if TYPE_CHECKING:
    from tinyperf.engines import Target


def refuse(work: Conv, target: Target) -> str | None:
    window = work.window
    single = window.in_shape[:2] == (1, 1) and window.kernel == (1, 1)
    if not single or window.in_shape[2] % 4 or window.out_shape[2] % 4:
        return "one row, inputs and outputs in fours"
    return dsp_refusal(work.channels, target)


def cost(work: Conv) -> Cost:
    return Cost(cycles=1.7 * work.weights.size + 14 * work.window.out_shape[2])


def emit(work: Conv, place: Place) -> Code:
    rows = work.weights.reshape(work.window.out_shape[2], -1)
    weights = weights_array(place.prefix, rows, "Weights [out, in].")
    channels = channels_array(place.prefix, work.channels, folded_bias(work.channels, rows, work.in_zero))
    body = call(
        "tp_fully_connected_dsp",
        work.window.in_shape[2],
        work.window.out_shape[2],
        place.inputs[0],
        weights.name,
        channels.name,
        work.out_zero,
        *work.clamp,
        place.output,
    )
    return Code((weights, channels), body)


KERNEL = Kernel("fully_connected_dsp", Conv, "tp_fully_connected_dsp.h", refuse, cost, emit)
