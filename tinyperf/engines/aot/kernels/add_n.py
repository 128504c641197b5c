"""ADD_N in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.add_n import AddN

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: AddN, costs: Costs) -> tuple[Form, ...]:
    each = costs["output"] + costs["input"] * work.inputs
    return (Form(each * work.elements, lead=(0,) * work.inputs),)


def emit(work: AddN, place: Place) -> Code:
    inputs = ",\n".join(f"        {pointer}" for pointer in place.inputs)
    body = f"    const int8_t *const inputs[{work.inputs}] = {{\n{inputs},\n    }};\n"
    numbers = (work.zeros, work.multiplier, -work.shift, work.out_zero)
    return Code((), body + call("tp_add_n", work.elements, work.inputs, "inputs", *numbers, place.output))


KERNEL = Kernel("add_n", AddN, "tp_add_n.h", forms, emit, costs={"output": 20.0, "input": 5.0})
