"""DEPTHWISE_CONV_2D of int16 in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, window_constant
from tinyperf.engines.aot.kernels._int16 import parameters
from tinyperf.engines.aot.operators._weighted_int16 import DepthwiseInt16

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: DepthwiseInt16, costs: Costs) -> tuple[Form, ...]:
    each = costs["tap"] * work.rows.size + costs["output"] * work.window.out_shape[2]
    return (Form(work.window.pixels * each),)


def emit(work: DepthwiseInt16, place: Place) -> Code:
    arrays, arguments = parameters(work, place.prefix)
    ends = ("&window", place.inputs[0])
    body = call("tp_depthwise_conv_2d_int16", *ends, *arguments, place.output)
    return Code(arrays, window_constant(work.window) + body)


KERNEL = Kernel(
    "depthwise_conv_2d_int16",
    DepthwiseInt16,
    "tp_weighted_int16.h",
    forms,
    emit,
    costs={"tap": 9.0, "output": 60.0},
)
