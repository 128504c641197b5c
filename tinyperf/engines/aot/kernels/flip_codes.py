"""QUANTIZE between int8 and uint8 where every code moves by 128: one exclusive or for four of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.quantize import Rescale

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: Rescale, _: Bounds | None) -> str | None:
    return None if work.flips else "the same scale and zero points 128 apart"


def forms(work: Rescale, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0,)),)


def emit(work: Rescale, place: Place) -> Code:
    return Code((), call("tp_flip_codes", work.elements, place.inputs[0], place.output))


KERNEL = Kernel("flip_codes", Rescale, "tp_flip_codes.h", forms, emit, lacks, costs={"element": 1.5})
