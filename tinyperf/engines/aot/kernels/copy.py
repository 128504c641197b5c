"""The same bytes in another place, in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators.assign_variable import Copy

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def size_bytes(work: Copy) -> int:
    return work.elements * np.dtype(work.dtype).itemsize


def forms(work: Copy, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["byte"] * size_bytes(work)),)


def emit(work: Copy, place: Place) -> Code:
    return Code((), call("tp_copy_value", size_bytes(work), place.inputs[0], place.output))


KERNEL = Kernel("copy", Copy, "tp_copy.h", forms, emit, costs={"byte": 0.5})
