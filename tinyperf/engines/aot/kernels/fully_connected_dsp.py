"""FULLY_CONNECTED of one row with SMLAD: four outputs at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import (
    call,
    channels_array,
    filled_rows,
    folded_bias,
    short_requantization_lacks,
    weights_array,
)
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: Conv, bounds: Bounds | None) -> str | None:
    window = work.window
    single = window.in_shape[:2] == (1, 1) and window.kernel == (1, 1)
    if not single:
        return "one row"
    return short_requantization_lacks(work, bounds)


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    inputs, outputs = work.window.in_shape[2], work.window.out_shape[2]
    taps = (inputs + -inputs % 4) * (outputs + -outputs % 4)
    return (Form(costs["tap"] * taps + costs["output"] * outputs + costs["call"]),)


def emit(work: Conv, place: Place) -> Code:
    inputs = work.window.in_shape[2]
    rows, fillers = filled_rows(work, inputs + -inputs % 4, 4)
    weights = weights_array(place.prefix, rows, "Weights [out, in].")
    channels = channels_array(place.prefix, work.channels, folded_bias(work), fillers=fillers)
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


KERNEL = Kernel("fully_connected_dsp", Conv, "tp_fully_connected_dsp.h", forms, emit, lacks, needs=frozenset({"dsp"}))
