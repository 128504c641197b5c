"""Functions of one float in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._float_map import MapFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: MapFloat, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0,)),)


def emit(work: MapFloat, place: Place) -> Code:
    return Code((), call("tp_map_f32", work.elements, f"tp_{work.function}_f32", place.inputs[0], place.output))


KERNEL = Kernel("map_f32", MapFloat, "tp_map_f32.h", forms, emit, costs={"element": 60.0})
