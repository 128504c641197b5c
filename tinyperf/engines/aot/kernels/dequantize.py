"""DEQUANTIZE in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_float
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.kernels._each import lead
from tinyperf.engines.aot.operators.dequantize import Dequantize

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Dequantize, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=lead(work.elements, work.given, "float32")),)


def emit(work: Dequantize, place: Place) -> Code:
    numbers = (c_float(work.scale), work.zero)
    return Code((), call(f"tp_dequantize_{work.given}", work.elements, place.inputs[0], *numbers, place.output))


KERNEL = Kernel("dequantize", Dequantize, "tp_dequantize.h", forms, emit, costs={"element": 10.0})
