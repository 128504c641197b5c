"""Elements that stand one behind the other, copied, in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.slice import Part

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Part, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["byte"] * work.count * size_of(work.dtype)),)


def emit(work: Part, place: Place) -> Code:
    return Code(
        (), call("tp_copy_value", work.count * size_of(work.dtype), f"{place.inputs[0]} + {work.start}", place.output)
    )


KERNEL = Kernel("part", Part, "tp_copy.h", forms, emit, costs={"byte": 0.5})
