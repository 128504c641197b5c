"""Comparisons, and what joins their results, in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import numbers_constant, pairs_call
from tinyperf.engines.aot.kernels._each import lead
from tinyperf.engines.aot.operators._compare import Compare

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Compare, costs: Costs) -> tuple[Form, ...]:
    over = lead(work.elements, work.dtype, "bool") * 2 if work.elementwise else ()
    each = costs["scaled"] if work.scaled else costs["element"]
    return (Form(each * work.elements, lead=over),)


def emit(work: Compare, place: Place) -> Code:
    """The relation is C's own; of codes it holds between what they become."""
    body = ""
    for side, scaled in zip("ab", work.scaled, strict=False):
        body += numbers_constant("tp_compared", f"scaled_{side}", (scaled.zero, scaled.multiplier, -scaled.shift))
    a, b = ("tp_compared(&scaled_a, a)", "tp_compared(&scaled_b, b)") if work.scaled else ("a", "b")
    return Code((), body + pairs_call(work, place, (work.dtype, "bool"), f"{a} {work.relation} {b}"))


KERNEL = Kernel("compare", Compare, "tp_compare.h", forms, emit, costs={"element": 9.0, "scaled": 30.0})
