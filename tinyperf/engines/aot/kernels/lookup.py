"""One output per code, from a table of 256."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._lookup import Lookup

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Lookup, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0,)),)


def emit(work: Lookup, place: Place) -> Code:
    table = Array(f"{place.prefix}_table", "int8_t", work.table, "The output of every code, from -128 to 127.")
    return Code((table,), call("tp_lookup", work.elements, place.inputs[0], table.name, place.output))


KERNEL = Kernel("lookup", Lookup, "tp_lookup.h", forms, emit, costs={"element": 5.0})
