"""CONV_2D and FULLY_CONNECTED of int16 with SMLAD, where runs of channels come in fours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, window_constant
from tinyperf.engines.aot.kernels._int16 import parameters
from tinyperf.engines.aot.operators._weighted_int16 import ConvInt16

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: ConvInt16, _: Bounds | None) -> str | None:
    if work.weights.shape[3] % 4:
        return "input channels of a group in fours"
    return None if work.narrow else "sums of products below 2^31, proven from the weights"


def forms(work: ConvInt16, costs: Costs) -> tuple[Form, ...]:
    each = costs["tap"] * work.rows.size + costs["output"] * work.window.out_shape[2]
    return (Form(work.window.pixels * each),)


def emit(work: ConvInt16, place: Place) -> Code:
    """Of four weights, the middle ones change places."""
    paired = work.weights.reshape(-1, 4)[:, [0, 2, 1, 3]]
    arrays, arguments = parameters(work, place.prefix, paired)
    ends = ("&window", work.groups, place.inputs[0])
    narrow = len(arrays)
    body = call("tp_conv_2d_int16_dsp", *ends, *arguments[:narrow], *arguments[narrow + 1 :], place.output)
    return Code(arrays, window_constant(work.window) + body)


KERNEL = Kernel(
    "conv_2d_int16_dsp",
    ConvInt16,
    "tp_conv_2d_int16_dsp.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"dsp"}),
    costs={"tap": 2.8, "output": 60.0},
)
