"""MAXIMUM and MINIMUM in portable C, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.kernels._lead import over_whole
from tinyperf.engines.aot.operators._larger import Larger

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Larger, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=over_whole(work)),)


def emit(work: Larger, place: Place) -> Code:
    body = (
        f"    static const int32_t shape[4] = {ints(work.shape)};\n"
        f"    static const int32_t stride_a[4] = {ints(work.strides[0])};\n"
        f"    static const int32_t stride_b[4] = {ints(work.strides[1])};\n"
    )
    a, b = place.inputs
    maximum = "true" if work.maximum else "false"
    return Code(
        (), body + call(f"tp_larger_{work.dtype}", "shape", "stride_a", a, "stride_b", b, maximum, place.output)
    )


KERNEL = Kernel("larger", Larger, "tp_larger.h", forms, emit, costs={"element": 12.0})
