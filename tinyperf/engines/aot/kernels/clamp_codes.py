"""RELU6 on its own in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.relu6 import Clamp

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Clamp, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0,)),)


def emit(work: Clamp, place: Place) -> Code:
    return Code(
        (), call("tp_clamp_codes", work.elements, place.inputs[0], *work.clamp, size_of(work.dtype), place.output)
    )


KERNEL = Kernel("clamp_codes", Clamp, "tp_clamp_codes.h", forms, emit)
