"""PAD and PADV2 in portable C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinyperf.ctext import c_number, c_type
from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators.pad import PadImage

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: PadImage, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * math.prod(work.out_shape)),)


def emit(work: PadImage, place: Place) -> Code:
    body = (
        f"    static const int32_t in_shape[4] = {ints(work.in_shape)};\n"
        f"    static const int32_t out_shape[4] = {ints(work.out_shape)};\n"
        f"    static const int32_t before[4] = {ints(work.before)};\n"
        f"    static const {c_type(work.dtype)} value = {c_number(work.value)};\n"
    )
    arguments = ("in_shape", "out_shape", "before", "&value", size_of(work.dtype), place.inputs[0], place.output)
    return Code((), body + call("tp_pad", *arguments))


KERNEL = Kernel("pad", PadImage, "tp_pad.h", forms, emit)
