"""CUMSUM in portable C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.cumsum import CumSum

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: CumSum, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * math.prod(work.shape), lead=(0,)),)


def emit(work: CumSum, place: Place) -> Code:
    flags = ("true" if flag else "false" for flag in (work.exclusive, work.reverse))
    numbers = (work.in_zero, work.multiplier, -work.shift, work.out_zero)
    return Code((), call("tp_cumsum", *work.shape, *flags, place.inputs[0], *numbers, place.output))


KERNEL = Kernel("cumsum", CumSum, "tp_cumsum.h", forms, emit, costs={"element": 25.0})
