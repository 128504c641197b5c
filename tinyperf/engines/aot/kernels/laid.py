"""An image from one layout to another, in portable C."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints
from tinyperf.engines.aot.layouts import COLUMNS, NHWC, PLANES, strides
from tinyperf.engines.aot.operators._laid import Laid

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Laid, costs: Costs) -> tuple[Form, ...]:
    height, width, channels = work.shape
    pixels = costs["run"] + costs["element"] * width
    planes = costs["run to planes"] + costs["element to planes"] * width
    return tuple(
        Form(height * channels * (pixels if slow else planes), inputs=(given,), outputs=(made,))
        for given, made in itertools.permutations((NHWC, *PLANES), 2)
        for slow in (made == NHWC or (given, made) == (NHWC, COLUMNS),)
    )


def emit(work: Laid, place: Place) -> Code:
    (given,), (made,) = place.form.inputs, place.form.outputs
    body = f"    static const int32_t shape[3] = {ints(work.shape)};\n"
    body += f"    static const int32_t from[3] = {ints(strides(given, work.shape))};\n"
    body += f"    static const int32_t to[3] = {ints(strides(made, work.shape))};\n"
    return Code((), body + call("tp_laid", "shape", "from", place.inputs[0], "to", place.output))


KERNEL = Kernel("laid", Laid, "tp_laid.h", forms, emit)
