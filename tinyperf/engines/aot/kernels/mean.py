"""MEAN in portable C, over any axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators.mean import Mean

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Mean, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements),)


def emit(work: Mean, place: Place) -> Code:
    body = f"    static const int32_t shape[5] = {ints(work.shape)};\n"
    numbers = (work.in_zero, work.multiplier, -work.shift, work.out_zero, size_of(work.dtype))
    return Code((), body + call("tp_mean", "shape", place.inputs[0], *numbers, place.output))


KERNEL = Kernel("mean", Mean, "tp_mean.h", forms, emit)
