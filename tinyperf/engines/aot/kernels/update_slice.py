"""DYNAMIC_UPDATE_SLICE in portable C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinyperf.ctext import c_type
from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators.dynamic_update_slice import UpdateSlice

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: UpdateSlice, costs: Costs) -> tuple[Form, ...]:
    """Over the whole itself, only the part is written."""
    elements = math.prod(work.shape) + math.prod(work.part)
    return (Form(costs["element"] * elements * size_of(work.dtype), lead=(0, None, None)),)


def emit(work: UpdateSlice, place: Place) -> Code:
    body = (
        f"    static const int32_t shape[{len(work.shape)}] = {ints(work.shape)};\n"
        f"    static const int32_t part[{len(work.part)}] = {ints(work.part)};\n"
    )
    sizes = ("shape", "part", len(work.shape), size_of(work.dtype))
    return Code((), body + call("TP_UPDATE_SLICE", *sizes, c_type(work.index), *place.inputs, place.output))


KERNEL = Kernel("update_slice", UpdateSlice, "tp_update_slice.h", forms, emit, costs={"element": 1.0})
