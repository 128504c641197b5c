"""REDUCE_MAX and REDUCE_MIN in portable C, over any axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators._reduce_extreme import ReduceExtreme

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: ReduceExtreme, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements),)


def emit(work: ReduceExtreme, place: Place) -> Code:
    body = f"    static const int32_t shape[5] = {ints(work.shape)};\n"
    given = [place.inputs[0], place.output]
    if work.dtype == "bool":
        given = [f"(int8_t *)({pointer})" for pointer in given]
    maximum = "true" if work.maximum else "false"
    return Code((), body + call("tp_reduce_extreme", "shape", maximum, *given))


KERNEL = Kernel("reduce_extreme", ReduceExtreme, "tp_reduce_extreme.h", forms, emit, costs={"element": 6.0})
