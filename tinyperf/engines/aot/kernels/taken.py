"""Parts by computed indices, in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._taken import Taken

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Taken, costs: Costs) -> tuple[Form, ...]:
    parts = work.outer * work.count
    return (Form(parts * (costs["part"] + costs["element"] * work.inner)),)


def emit(work: Taken, place: Place) -> Code:
    numbers = (work.outer, work.size, work.inner * size_of(work.dtype), work.count)
    return Code((), call("tp_taken", *numbers, *work.ordered(place.inputs), place.output))


KERNEL = Kernel("taken", Taken, "tp_taken.h", forms, emit, costs={"part": 20.0, "element": 1.0})
