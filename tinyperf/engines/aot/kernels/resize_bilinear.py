"""RESIZE_BILINEAR in portable C; between which rows and columns each stands is a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.resize_bilinear import ResizeBilinear

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: ResizeBilinear, costs: Costs) -> tuple[Form, ...]:
    (made,) = work.signature.outputs
    return (Form(costs["element"] * math.prod(made.shape)),)


def emit(work: ResizeBilinear, place: Place) -> Code:
    rows = Array(
        f"{place.prefix}_rows",
        "int32_t",
        np.array(work.rows, np.int32).ravel(),
        "The two rows that each comes from, and the weight of the second one.",
    )
    columns = Array(
        f"{place.prefix}_columns",
        "int32_t",
        np.array(work.columns, np.int32).ravel(),
        "The same of columns.",
    )
    _, width, channels = work.in_shape
    sizes = (len(work.rows), len(work.columns), width, channels)
    body = call("tp_resize_bilinear", *sizes, rows.name, columns.name, place.inputs[0], place.output)
    return Code((rows, columns), body)


KERNEL = Kernel("resize_bilinear", ResizeBilinear, "tp_resize_bilinear.h", forms, emit, costs={"element": 40.0})
