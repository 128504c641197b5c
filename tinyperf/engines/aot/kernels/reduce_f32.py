"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, floats, ints
from tinyperf.engines.aot.operators._float_reduce import ReduceFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: ReduceFloat, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements),)


def emit(work: ReduceFloat, place: Place) -> Code:
    start, divisor = floats((work.start, work.divisor))
    given = ("shape", start, f"tp_reduce_{work.function}", divisor, place.inputs[0], place.output)
    shape = f"    static const int32_t shape[5] = {ints(work.shape)};\n"
    return Code((), shape + call("tp_reduce_f32", *given))


KERNEL = Kernel("reduce_f32", ReduceFloat, "tp_reduce_f32.h", forms, emit, costs={"element": 8.0})
