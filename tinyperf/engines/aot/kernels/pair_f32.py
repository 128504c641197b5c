"""Functions of two floats in portable C, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, floats, ints
from tinyperf.engines.aot.kernels._lead import over_whole
from tinyperf.engines.aot.operators._float_pair import PairFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: PairFloat, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=over_whole(work)),)


def emit(work: PairFloat, place: Place) -> Code:
    body = f"    static const int32_t shape[4] = {ints(work.shape)};\n"
    for side, strides in zip("ab", work.strides, strict=True):
        body += f"    static const int32_t stride_{side}[4] = {ints(strides)};\n"
    a, b = place.inputs
    given = ("shape", f"tp_{work.function}_f32", "stride_a", a, "stride_b", b)
    return Code((), body + call("tp_pair_f32", *given, *floats(work.clamp), place.output))


KERNEL = Kernel("pair_f32", PairFloat, "tp_pair_f32.h", forms, emit, costs={"element": 12.0})
