"""RESIZE_BILINEAR of floats in portable C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, float_array
from tinyperf.engines.aot.operators._float_resize import ResizeBilinearFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: ResizeBilinearFloat, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * math.prod(work.signature.outputs[0].shape)),)


def emit(work: ResizeBilinearFloat, place: Place) -> Code:
    arrays: list[Array] = []
    body = ""
    for name, places in (("rows", work.rows), ("columns", work.columns)):
        at = np.array([(first, second) for first, second, _, _ in places], np.int32)
        weight = np.array([(near, far) for _, _, near, far in places], np.float32)
        prefix = f"{place.prefix}_{name}"
        arrays += [
            Array(f"{prefix}_at", "int32_t", at.ravel(), f"Between which {name} of the input each of the output is."),
            float_array(f"{prefix}_weight", weight, "What each of the two counts."),
        ]
        body += f"    const struct tp_between {name} = {{.at = {prefix}_at, .weight = {prefix}_weight}};\n"
    _, width, channels = work.in_shape
    given = (len(work.rows), len(work.columns), width, channels, "rows", "columns", place.inputs[0], place.output)
    return Code(tuple(arrays), body + call("tp_resize_bilinear_f32", *given))


KERNEL = Kernel(
    "resize_bilinear_f32", ResizeBilinearFloat, "tp_resize_bilinear_f32.h", forms, emit, costs={"element": 25.0}
)
