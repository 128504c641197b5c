"""QUANTIZE from int8 to int8, and RELU on its own, in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.quantize import Rescale

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Rescale, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0,)),)


def emit(work: Rescale, place: Place) -> Code:
    numbers = (work.in_zero, work.multiplier, -work.shift, work.out_zero, *work.clamp)
    return Code((), call("tp_rescale", work.elements, place.inputs[0], *numbers, place.output))


KERNEL = Kernel("rescale", Rescale, "tp_rescale.h", forms, emit)
