"""QUANTIZE from codes to codes, and RELU on its own, in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.kernels._each import lead
from tinyperf.engines.aot.operators.quantize import Rescale

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Rescale, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=lead(work.elements, work.given, work.made)),)


def emit(work: Rescale, place: Place) -> Code:
    numbers = (work.in_zero, work.multiplier, -work.shift, work.out_zero, *work.clamp)
    name = f"tp_rescale_{work.given}_{work.made}"
    return Code((), call(name, work.elements, place.inputs[0], *numbers, place.output))


KERNEL = Kernel("rescale", Rescale, "tp_rescale.h", forms, emit)
