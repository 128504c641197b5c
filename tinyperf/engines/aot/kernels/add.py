"""ADD, and SUB, in portable C, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_int
from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.kernels._lead import over_whole
from tinyperf.engines.aot.operators.add import Add

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Add, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=over_whole(work)),)


def emit(work: Add, place: Place) -> Code:
    lines = [f"    static const int32_t shape[4] = {ints(work.shape)};"]
    for side, stride, zero, (multiplier, shift) in zip(
        "ab", work.strides, work.zeros, work.multipliers[:2], strict=True
    ):
        lines.append(
            f"    static const struct tp_addend {side} = {{\n"
            f"        .stride = {ints(stride)}, .zero = {c_int(zero)},\n"
            f"        .multiplier = {c_int(multiplier)}, .shift = {c_int(-shift)},\n"
            "    };"
        )
    multiplier, shift = work.multipliers[2]
    lines.append(
        call(
            "tp_add",
            "shape",
            "&a",
            place.inputs[0],
            "&b",
            place.inputs[1],
            work.left_shift,
            work.sign,
            multiplier,
            -shift,
            work.out_zero,
            *work.clamp,
            size_of(work.dtype),
            place.output,
        )
    )
    return Code((), "\n".join(lines))


KERNEL = Kernel("add", Add, "tp_add.h", forms, emit, by_rows=True)
