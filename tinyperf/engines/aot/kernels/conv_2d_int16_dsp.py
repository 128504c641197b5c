"""CONV_2D and FULLY_CONNECTED of int16 with SMLAD, where runs of channels come in fours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, weights_array, window_constant
from tinyperf.engines.aot.kernels._int16 import short_channels, short_lacks, switches
from tinyperf.engines.aot.operators._weighted_int16 import ConvInt16

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: ConvInt16, _: Bounds | None) -> str | None:
    if work.weights.shape[3] % 4:
        return "input channels of a group in fours"
    if work.groups > 1 and work.weights.shape[0] // work.groups % 4:
        return "output channels of a group in fours"
    return short_lacks(work)


def forms(work: ConvInt16, costs: Costs) -> tuple[Form, ...]:
    filled = len(work.weights) + -len(work.weights) % 4
    each = costs["tap"] * work.rows.shape[1] * filled + costs["output"] * filled
    return (Form(work.window.pixels * each),)


def emit(work: ConvInt16, place: Place) -> Code:
    """Of four weights, the middle ones change places."""
    fillers = -len(work.weights) % 4
    rows = np.pad(work.rows, ((0, fillers), (0, 0)))
    grouped = rows.reshape(len(rows) // 4, 4, -1, 4)[..., [0, 2, 1, 3]].transpose(0, 2, 1, 3)
    weights = weights_array(place.prefix, grouped, "Weights [out / 4, kernel_h x kernel_w x in / 4, 4, 4].")
    channels = short_channels(work, place.prefix, fillers)
    ends = ("&window", work.groups, place.inputs[0], weights.name, channels.name)
    body = call("tp_conv_2d_int16_dsp", *ends, *switches(work), place.output)
    return Code((weights, channels), window_constant(work.window) + body)


KERNEL = Kernel(
    "conv_2d_int16_dsp",
    ConvInt16,
    "tp_conv_2d_int16_dsp.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"dsp"}),
)
