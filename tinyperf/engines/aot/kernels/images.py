"""A portable kernel, image by image."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel, Place, all_kernels, nothing
from tinyperf.engines.aot.operators._images import Images

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Operand, Work
    from tinyperf.engines.aot.kernels import Costs


def _portable(work: Work) -> Kernel[Work]:
    return next(k for k in all_kernels() if k.work is type(work) and not k.needs and k.lacks is nothing)


def forms(work: Images, costs: Costs) -> tuple[Form, ...]:
    """The output touches no input: its images may be larger."""
    kernel = _portable(work.each)
    return tuple(
        Form(costs["image"] * work.count + form.cycles * work.count, scratch_bytes=form.scratch_bytes)
        for form in kernel.forms(work.each, defaultdict(lambda: GUESS_CYCLES, kernel.costs))[:1]
    )


def emit(work: Images, place: Place) -> Code:
    (given,), (made,) = work.each.signature.inputs, work.each.signature.outputs
    moved = replace(place, inputs=(_of_image(place.inputs[0], given),), outputs=(_of_image(place.output, made),))
    kernel = _portable(work.each)
    code = kernel.emit(work.each, moved)
    body = (
        f"    for (int32_t image = 0; image < {work.count}; image++) {{\n{textwrap.indent(code.body, '    ')}\n    }}"
    )
    return replace(code, body=body, headers=(*code.headers, kernel.header))


def _of_image(pointer: str, operand: Operand) -> str:
    return f"({pointer}) + image * {operand.elements}"


GUESS_CYCLES = 6.0
"""Of what the kernel's costs on a core name: there is nothing to choose between."""

KERNEL = Kernel("images", Images, "tp_kernels.h", forms, emit, costs={"image": 10.0})
