"""ADD_N of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._float_sum import AddNFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: AddNFloat, costs: Costs) -> tuple[Form, ...]:
    each = costs["output"] + costs["input"] * work.inputs
    return (Form(each * work.elements, lead=(0,) * work.inputs),)


def emit(work: AddNFloat, place: Place) -> Code:
    inputs = ",\n".join(f"        {pointer}" for pointer in place.inputs)
    body = f"    const float *const inputs[{work.inputs}] = {{\n{inputs},\n    }};\n"
    return Code((), body + call("tp_add_n_f32", work.elements, work.inputs, "inputs", place.output))


KERNEL = Kernel("add_n_f32", AddNFloat, "tp_add_n_f32.h", forms, emit, costs={"output": 6.0, "input": 5.0})
