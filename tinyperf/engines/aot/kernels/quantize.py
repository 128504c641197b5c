"""QUANTIZE from float in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_float
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.kernels._each import lead
from tinyperf.engines.aot.operators.quantize import Quantize

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Quantize, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=lead(work.elements, "float32", work.made)),)


def emit(work: Quantize, place: Place) -> Code:
    numbers = (c_float(work.scale), work.zero)
    return Code((), call(f"tp_quantize_{work.made}", work.elements, place.inputs[0], *numbers, place.output))


KERNEL = Kernel("quantize", Quantize, "tp_quantize.h", forms, emit, costs={"element": 40.0})
