"""L2_NORMALIZATION of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._float_rows import L2NormalizationFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: L2NormalizationFloat, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.rows * work.depth, lead=(0,)),)


def emit(work: L2NormalizationFloat, place: Place) -> Code:
    return Code((), call("tp_l2_normalization_f32", work.rows, work.depth, place.inputs[0], place.output))


KERNEL = Kernel(
    "l2_normalization_f32", L2NormalizationFloat, "tp_l2_normalization_f32.h", forms, emit, costs={"element": 30.0}
)
