"""CONCATENATION in portable C: every input is copied to its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.concatenation import Concatenation

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Concatenation, costs: Costs) -> tuple[Form, ...]:
    whole = sum(work.parts) * size_of(work.dtype)
    return (Form(work.rows * (costs["byte"] * whole + costs["part"] * len(work.parts))),)


def emit(work: Concatenation, place: Place) -> Code:
    size, calls, before = size_of(work.dtype), [], 0
    for part, given in zip(work.parts, place.inputs, strict=True):
        output = f"{place.output} + {before}" if before else place.output
        calls.append(call("tp_concatenation", work.rows, part * size, sum(work.parts) * size, given, output))
        before += part
    return Code((), "\n".join(calls))


KERNEL = Kernel("concatenation", Concatenation, "tp_concatenation.h", forms, emit, costs={"byte": 0.5, "part": 25.0})
