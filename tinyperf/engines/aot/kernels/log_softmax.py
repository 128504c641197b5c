"""LOG_SOFTMAX in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.log_softmax import LogSoftmax

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: LogSoftmax, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.rows * work.depth, lead=(0,)),)


def emit(work: LogSoftmax, place: Place) -> Code:
    numbers = (work.multiplier, work.left_shift, work.diff_min, work.back[0], -work.back[1])
    return Code((), call("tp_log_softmax", work.rows, work.depth, place.inputs[0], *numbers, place.output))


KERNEL = Kernel("log_softmax", LogSoftmax, "tp_log_softmax.h", forms, emit, costs={"element": 120.0})
