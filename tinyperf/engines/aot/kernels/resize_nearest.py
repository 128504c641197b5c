"""RESIZE_NEAREST_NEIGHBOR in portable C; where each row and column comes from is a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.resize_nearest_neighbor import ResizeNearest

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: ResizeNearest, costs: Costs) -> tuple[Form, ...]:
    (made,) = work.signature.outputs
    return (Form(costs["element"] * math.prod(made.shape)),)


def emit(work: ResizeNearest, place: Place) -> Code:
    rows = Array(f"{place.prefix}_rows", "int32_t", np.array(work.rows, np.int32), "Where each row comes from.")
    columns = Array(
        f"{place.prefix}_columns", "int32_t", np.array(work.columns, np.int32), "Where each column comes from."
    )
    _, width, channels = work.in_shape
    sizes = (len(work.rows), len(work.columns), width, channels * size_of(work.dtype))
    body = call("tp_resize_nearest", *sizes, rows.name, columns.name, place.inputs[0], place.output)
    return Code((rows, columns), body)


KERNEL = Kernel("resize_nearest", ResizeNearest, "tp_resize_nearest.h", forms, emit, costs={"element": 8.0})
