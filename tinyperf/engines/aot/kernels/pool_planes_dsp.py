"""AVERAGE_POOL_2D of a whole image that lies in planes, with the DSP instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.kernels import Code, Kernel, pool_planes
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._pool import Pool

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Place


def lacks(work: Pool, bounds: Bounds | None) -> str | None:
    return "an average" if work.maximum else pool_planes.lacks(work, bounds)


def emit(work: Pool, place: Place) -> Code:
    height, width, channels = work.window.in_shape
    arguments = (height * width, channels, place.inputs[0], *work.clamp, place.output)
    return Code((), call("tp_pool_planes_dsp", *arguments))


KERNEL = Kernel(
    "pool_planes_dsp",
    Pool,
    "tp_pool_planes_dsp.h",
    pool_planes.forms,
    emit,
    lacks,
    needs=frozenset({"dsp"}),
)
