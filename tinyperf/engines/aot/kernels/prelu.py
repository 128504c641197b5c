"""PRELU in portable C, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.kernels._lead import over_whole
from tinyperf.engines.aot.operators.prelu import Prelu

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Prelu, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=over_whole(work)),)


def emit(work: Prelu, place: Place) -> Code:
    factors = (work.positive[0], -work.positive[1], work.negative[0], -work.negative[1])
    body = (
        f"    static const int32_t shape[4] = {ints(work.shape)};\n"
        f"    static const int32_t stride[4] = {ints(work.strides[0])};\n"
        f"    static const int32_t slope_stride[4] = {ints(work.strides[1])};\n"
        f"    static const int32_t factors[4] = {ints(factors)};\n"
    )
    sides = ("stride", place.inputs[0], work.zeros[0], "slope_stride", place.inputs[1], work.zeros[1])
    return Code(
        (), body + call("tp_prelu", "shape", *sides, "factors", work.out_zero, size_of(work.dtype), place.output)
    )


KERNEL = Kernel("prelu", Prelu, "tp_prelu.h", forms, emit, costs={"element": 30.0})
