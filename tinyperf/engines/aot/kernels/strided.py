"""Strided copies in portable C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators._strided import Strided

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Strided, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * math.prod(work.shape)),)


def emit(work: Strided, place: Place) -> Code:
    body = (
        f"    static const int32_t shape[5] = {ints(work.shape)};\n"
        f"    static const int32_t stride[5] = {ints(work.strides)};\n"
    )
    arguments = ("shape", "stride", work.start, size_of(work.dtype), place.inputs[0], place.output)
    return Code((), body + call("tp_strided", *arguments))


KERNEL = Kernel("strided", Strided, "tp_strided.h", forms, emit, costs={"element": 8.0})
