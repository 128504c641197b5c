"""1x1 convolutions and fully connected layers in Armv6-M assembly, four channels at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, channels_array, filled_rows, folded_bias, weights_array
from tinyperf.engines.aot.kernels._lead import direct
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place

CHANNELS = 4


def lacks(work: Conv, _: Bounds | None) -> str | None:
    return None if work.window.kernel == work.window.stride == (1, 1) else "a 1x1 kernel, stride 1"


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    _, _, in_c = work.window.in_shape
    out_c = work.window.out_shape[2]
    fours = -(-out_c // CHANNELS)
    each = fours * (costs["tap"] * CHANNELS * in_c + costs["four"]) + costs["output"] * out_c
    return (Form(work.window.pixels * each, lead=(direct(work.window),)),)


def emit(work: Conv, place: Place) -> Code:
    window = work.window
    rows, _ = filled_rows(work, window.in_shape[2], CHANNELS)
    by_code = rows.reshape(-1, CHANNELS, rows.shape[1]).swapaxes(1, 2)
    weights = weights_array(place.prefix, by_code, "Weights [fours of out, in, 4], zeros up to whole fours.")
    channels = channels_array(place.prefix, work.channels, folded_bias(work))
    ends = (window.pixels, window.in_shape[2], window.out_shape[2], place.inputs[0], weights.name, channels.name)
    return Code((weights, channels), call("tp_conv_1x1_thumb", *ends, work.out_zero, *work.clamp, place.output))


KERNEL = Kernel(
    "conv_1x1_thumb",
    Conv,
    "tp_conv_1x1_thumb.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"thumb"}),
    costs={"tap": 6.4, "four": 110.0, "output": 95.0},
)
