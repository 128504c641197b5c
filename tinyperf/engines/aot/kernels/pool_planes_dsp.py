"""AVERAGE_POOL_2D of a whole image that lies in planes, with the DSP instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel, pool_planes
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.layouts import NHWC, PLANES
from tinyperf.engines.aot.operators._pool import Pool

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: Pool, bounds: Bounds | None) -> str | None:
    return "an average" if work.maximum else pool_planes.lacks(work, bounds)


def forms(work: Pool, costs: Costs) -> tuple[Form, ...]:
    height, width, channels = work.window.in_shape
    words, rest = divmod(height * width, 4)
    cycles = channels * (costs["word"] * words + costs["rest"] * rest + costs["output"]) + costs["call"]
    return tuple(Form(cycles, lead=(0,), inputs=(layout,), outputs=(NHWC,)) for layout in PLANES)


def emit(work: Pool, place: Place) -> Code:
    height, width, channels = work.window.in_shape
    arguments = (height * width, channels, place.inputs[0], *work.clamp, place.output)
    return Code((), call("tp_pool_planes_dsp", *arguments))


KERNEL = Kernel(
    "pool_planes_dsp",
    Pool,
    "tp_pool_planes_dsp.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"dsp"}),
)
