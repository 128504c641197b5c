"""ADD in portable C, with broadcasting."""

from __future__ import annotations

from tinyperf.ctext import c_int
from tinyperf.engines.aot.kernels import Code, Cost, Kernel, Place, never
from tinyperf.engines.aot.kernels._parts import call, ints
from tinyperf.engines.aot.work import Add, elements


def cost(work: Add) -> Cost:
    return Cost(cycles=60.0 * elements(work.shape), in_place=work.elementwise)


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
            multiplier,
            -shift,
            work.out_zero,
            *work.clamp,
            place.output,
        )
    )
    return Code((), "\n".join(lines))


KERNEL = Kernel("add", Add, "tp_add.h", never, cost, emit)
