"""LOG_SOFTMAX of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._float_rows import LogSoftmaxFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: LogSoftmaxFloat, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.rows * work.depth, lead=(0,)),)


def emit(work: LogSoftmaxFloat, place: Place) -> Code:
    return Code((), call("tp_log_softmax_f32", work.rows, work.depth, place.inputs[0], place.output))


KERNEL = Kernel("log_softmax_f32", LogSoftmaxFloat, "tp_log_softmax_f32.h", forms, emit, costs={"element": 100.0})
