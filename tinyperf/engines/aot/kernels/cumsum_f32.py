"""CUMSUM of floats in portable C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._float_sum import CumSumFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: CumSumFloat, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * math.prod(work.shape), lead=(0,)),)


def emit(work: CumSumFloat, place: Place) -> Code:
    flags = ("true" if flag else "false" for flag in (work.exclusive, work.reverse))
    return Code((), call("tp_cumsum_f32", *work.shape, *flags, place.inputs[0], place.output))


KERNEL = Kernel("cumsum_f32", CumSumFloat, "tp_cumsum_f32.h", forms, emit, costs={"element": 10.0})
