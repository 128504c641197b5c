"""SPLIT and SPLIT_V in portable C: every output is copied from its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._split import Split

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Split, costs: Costs) -> tuple[Form, ...]:
    whole = sum(work.parts) * size_of(work.dtype)
    return (Form(work.rows * (costs["byte"] * whole + costs["part"] * len(work.parts))),)


def emit(work: Split, place: Place) -> Code:
    size, calls, before = size_of(work.dtype), [], 0
    for part, made in zip(work.parts, place.outputs, strict=True):
        given = f"{place.inputs[0]} + {before}" if before else place.inputs[0]
        calls.append(call("tp_split", work.rows, part * size, sum(work.parts) * size, given, made))
        before += part
    return Code((), "\n".join(calls))


KERNEL = Kernel("split", Split, "tp_split.h", forms, emit, costs={"byte": 0.5, "part": 25.0})
