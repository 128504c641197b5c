"""Copies from places that tables give, in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form, size_of
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.operators._picked import Picked

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Picked, costs: Costs) -> tuple[Form, ...]:
    made = work.signature.outputs[0].elements
    return (Form(costs["element"] * made + costs["run"] * (made // work.run)),)


def emit(work: Picked, place: Place) -> Code:
    offsets = np.array([offset for table in work.tables for offset in table], np.int32)
    array = Array(f"{place.prefix}_offsets", "int32_t", offsets, "What each index of each dimension adds.")
    counts = ints(tuple(len(table) for table in work.tables))
    body = f"    static const int32_t counts[4] = {counts};\n"
    return Code(
        (array,),
        body + call("tp_picked", "counts", array.name, work.run, size_of(work.dtype), place.inputs[0], place.output),
    )


KERNEL = Kernel("picked", Picked, "tp_picked.h", forms, emit, costs={"element": 3.0, "run": 10.0})
