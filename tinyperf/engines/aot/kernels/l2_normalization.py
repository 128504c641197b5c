"""L2_NORMALIZATION in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.l2_normalization import L2Normalization

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: L2Normalization, costs: Costs) -> tuple[Form, ...]:
    return (Form(work.rows * (costs["row"] + costs["element"] * work.depth), lead=(0,)),)


def emit(work: L2Normalization, place: Place) -> Code:
    return Code((), call("tp_l2_normalization", work.rows, work.depth, place.inputs[0], work.in_zero, place.output))


KERNEL = Kernel(
    "l2_normalization",
    L2Normalization,
    "tp_l2_normalization.h",
    forms,
    emit,
    costs={"row": 300.0, "element": 25.0},
)
