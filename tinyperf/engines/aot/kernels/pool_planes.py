"""AVERAGE_POOL_2D and MAX_POOL_2D of a whole image that lies in planes, in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.layouts import NHWC, PLANES
from tinyperf.engines.aot.operators._pool import Pool

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: Pool, _bounds: Bounds | None) -> str | None:
    window = work.window
    whole = window.pixels == 1 and not window.padded and window.kernel == window.in_shape[:2]
    return None if whole and work.dtype == "int8" else "a window that is the whole image, of int8"


def forms(work: Pool, costs: Costs) -> tuple[Form, ...]:
    height, width, channels = work.window.in_shape
    cycles = channels * (costs["tap"] * height * width + costs["output"])
    return tuple(Form(cycles, lead=(0,), inputs=(layout,), outputs=(NHWC,)) for layout in PLANES)


def emit(work: Pool, place: Place) -> Code:
    height, width, channels = work.window.in_shape
    maximum = "true" if work.maximum else "false"
    arguments = (height * width, channels, maximum, place.inputs[0], *work.clamp, place.output)
    return Code((), call("tp_pool_planes", *arguments))


KERNEL = Kernel("pool_planes", Pool, "tp_pool_planes.h", forms, emit, lacks, costs={"tap": 4.0, "output": 20.0})
