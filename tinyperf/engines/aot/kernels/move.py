"""A slice that is one run of bytes, also over the bytes that it is cut from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._strided import Strided

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: Strided, _: Bounds | None) -> str | None:
    return None if work.one_run else "elements that stand one behind the other"


def forms(work: Strided, costs: Costs) -> tuple[Form, ...]:
    """The output may start anywhere in the input: its last element is as far behind as it can be."""
    size = size_of(work.dtype)
    return (Form(costs["byte"] * work.shape[-1] * size + costs["call"], lead=(-work.elements * size,)),)


def emit(work: Strided, place: Place) -> Code:
    size = size_of(work.dtype)
    return Code((), call("tp_move", work.shape[-1] * size, place.inputs[0], work.start * size, place.output))


KERNEL = Kernel("move", Strided, "tp_move.h", forms, emit, lacks, costs={"byte": 0.5, "call": 25.0})
