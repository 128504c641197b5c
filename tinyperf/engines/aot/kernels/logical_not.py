"""LOGICAL_NOT in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_type
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.logical_not import LogicalNot

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: LogicalNot, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0,)),)


def emit(work: LogicalNot, place: Place) -> Code:
    byte = c_type("bool")
    return Code((), call("TP_CAST", work.elements, byte, byte, "!", place.inputs[0], place.output))


KERNEL = Kernel("logical_not", LogicalNot, "tp_cast.h", forms, emit, costs={"element": 5.0})
