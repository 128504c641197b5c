"""SPACE_TO_BATCH_ND in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_number, c_type
from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators.space_to_batch_nd import SpaceToBatch

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: SpaceToBatch, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.signature.outputs[0].elements),)


def emit(work: SpaceToBatch, place: Place) -> Code:
    body = (
        f"    static const int32_t in_shape[4] = {ints(work.in_shape)};\n"
        f"    static const int32_t out_shape[4] = {ints(work.out_shape)};\n"
        f"    static const {c_type(work.dtype)} value = {c_number(work.value)};\n"
    )
    numbers = (*work.block, *work.before, "&value", size_of(work.dtype))
    return Code((), body + call("tp_space_to_batch", "in_shape", "out_shape", *numbers, place.inputs[0], place.output))


KERNEL = Kernel("space_to_batch", SpaceToBatch, "tp_space_to_batch.h", forms, emit, costs={"element": 6.0})
