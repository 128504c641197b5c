"""ADD of equal shapes with the DSP instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators.add import Add

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: Add, _: Bounds | None) -> str | None:
    a, b, out = work.multipliers
    if work.dtype != "int8":
        return "codes of 8 bits"
    if not work.elementwise or max(a[1], b[1]) > 0 or out[1] > -1:
        return "equal shapes and an output shift to the right"
    return None


def forms(work: Add, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.elements, lead=(0, 0)),)


def emit(work: Add, place: Place) -> Code:
    body = "\n".join(
        (
            f"    static const int32_t zeros[3] = {ints((*work.zeros, work.out_zero))};",
            f"    static const int32_t multipliers[3] = {ints(tuple(m for m, _ in work.multipliers))};",
            f"    static const int32_t shifts[3] = {ints(tuple(-s for _, s in work.multipliers))};",
            call(
                "tp_add_dsp",
                work.elements,
                *place.inputs,
                "zeros",
                "multipliers",
                "shifts",
                *work.clamp,
                place.output,
            ),
        )
    )
    return Code((), body)


KERNEL = Kernel("add_dsp", Add, "tp_add_dsp.h", forms, emit, lacks, needs=frozenset({"dsp"}), by_rows=True)
