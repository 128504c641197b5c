"""PAD and PADV2 in portable C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.ctext import c_number, c_type
from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators.pad import PadImage

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: PadImage, costs: Costs) -> tuple[Form, ...]:
    # Every code moves by what is padded before it, the last one the most.
    last = np.ravel_multi_index([n + k - 1 for n, k in zip(work.in_shape, work.before, strict=True)], work.out_shape)
    ahead = (int(last) + 1 - math.prod(work.in_shape)) * size_of(work.dtype)
    return (Form(costs["element"] * math.prod(work.out_shape), lead=(ahead,)),)


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
