"""CAST in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_type
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.kernels._each import lead
from tinyperf.engines.aot.operators.cast import Cast

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Cast, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=lead(work.elements, work.given, work.made)),)


def emit(work: Cast, place: Place) -> Code:
    """Only what leaves float for integers needs more than C's own conversion."""
    convert = ""
    if work.given == "float32" and work.made != "float32":
        convert = "tp_truncate_unsigned" if work.made == "uint32" else "tp_truncate"
    types = (c_type(work.given), c_type(work.made), convert)
    return Code((), call("TP_CAST", work.elements, *types, place.inputs[0], place.output))


KERNEL = Kernel("cast", Cast, "tp_cast.h", forms, emit, costs={"element": 8.0})
