"""ADD of equal shapes with the DSP instructions and a table of one input's codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.kernels.add_dsp import lacks as add_dsp_lacks
from tinyperf.engines.aot.operators.add import Add

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place

LARGER = (2**30, 0)
"""The multiplier of the input whose scale is the larger one: a half."""

TABLE_BYTES = 1024
LARGEST_SHIFT = 22
"""So that the constant of the rounding fits 32 bits."""


def lacks(work: Add, bounds: Bounds | None) -> str | None:
    if lack := add_dsp_lacks(work, bounds):
        return lack
    if LARGER not in work.multipliers[:2] or work.multipliers[2][1] < -LARGEST_SHIFT:
        return f"one input of half the common scale, and an output shift of at most {LARGEST_SHIFT}"
    return None


def forms(work: Add, costs: Costs) -> tuple[Form, ...]:
    cycles = costs["element"] * work.elements + costs["table"]
    return (Form(cycles, scratch_bytes=TABLE_BYTES, lead=(0, 0)),)


def emit(work: Add, place: Place) -> Code:
    large = work.multipliers.index(LARGER)
    small = 1 - large
    multiplier, shift = work.multipliers[2][0], -work.multipliers[2][1]
    ties = int(work.clamp[0] < work.out_zero)
    name = f"tp_add_{'exact' if ties else 'relu'}_{shift}"
    rounding = (multiplier, (1 << (shift - 1)) + (work.out_zero << shift), 0)
    body = f"    static const int32_t zeros[2] = {ints((work.zeros[large], work.zeros[small]))};\n"
    body += f"    static const struct tp_rounding rounding = {ints(rounding)};\n"
    body += call(
        "tp_add_table_dsp",
        name,
        work.elements,
        place.inputs[large],
        place.inputs[small],
        "zeros",
        work.multipliers[small][0],
        -work.multipliers[small][1],
        "&rounding",
        *work.clamp,
        f"(int32_t *)(void *){place.scratch}",
        place.output,
    )
    return Code((), body, definitions=(f"TP_ADD_FUNCTION({name}, {ties}, {shift})",))


KERNEL = Kernel(
    "add_table_dsp",
    Add,
    "tp_add_table_dsp.h",
    forms,
    emit,
    lacks,
    by_rows=True,
    needs=frozenset({"dsp"}),
    costs={"element": 8.8, "table": 3900.0},
)
