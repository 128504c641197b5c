"""SELECT_V2 in portable C, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators.select_v2 import Select

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Select, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements),)


def emit(work: Select, place: Place) -> Code:
    rows = ",\n".join(f"        {ints(strides)}" for strides in work.strides)
    body = (
        f"    static const int32_t shape[4] = {ints(work.shape)};\n"
        f"    static const int32_t strides[3][4] = {{\n{rows},\n    }};\n"
    )
    return Code((), body + call("tp_select", "shape", "strides", size_of(work.dtype), *place.inputs, place.output))


KERNEL = Kernel("select", Select, "tp_select.h", forms, emit, costs={"element": 12.0})
