"""MUL in portable C, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.kernels._lead import over_whole
from tinyperf.engines.aot.operators.mul import Mul

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Mul, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=over_whole(work)),)


def emit(work: Mul, place: Place) -> Code:
    body = (
        f"    static const int32_t shape[4] = {ints(work.shape)};\n"
        f"    static const int32_t stride_a[4] = {ints(work.strides[0])};\n"
        f"    static const int32_t stride_b[4] = {ints(work.strides[1])};\n"
    )
    a, b = (
        (stride, given, zero)
        for stride, given, zero in zip(("stride_a", "stride_b"), place.inputs, work.zeros, strict=True)
    )
    numbers = (work.multiplier, -work.shift, work.out_zero, *work.clamp, size_of(work.dtype))
    return Code((), body + call("tp_mul", "shape", *a, *b, *numbers, place.output))


KERNEL = Kernel("mul", Mul, "tp_mul.h", forms, emit, by_rows=True, costs={"element": 30.0})
