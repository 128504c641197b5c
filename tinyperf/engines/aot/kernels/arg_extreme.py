"""ARG_MAX and ARG_MIN in portable C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinyperf.ctext import c_type
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._arg_extreme import ArgExtreme

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: ArgExtreme, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * math.prod(work.shape)),)


def emit(work: ArgExtreme, place: Place) -> Code:
    better = ">" if work.maximum else "<"
    given = (c_type(work.dtype), better, place.inputs[0])
    return Code((), call("TP_ARG_EXTREME", *work.shape, *given, place.output))


KERNEL = Kernel("arg_extreme", ArgExtreme, "tp_arg_extreme.h", forms, emit, costs={"element": 8.0})
