"""RESIZE_BILINEAR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import INT8, Arity, Operator, Typed, _float_resize
from tinyperf.engines.aot.operators._resize import RESIZING, resized
from tinyperf.engines.aot.operators._rules import codes_are_copied

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair, Shape3

ONE = 1 << 10
Between = tuple[int, int, int]
"""Two positions, and the weight of the second one in 1024ths; the first one has the rest."""


@dataclass(frozen=True)
class ResizeBilinear(Work):
    """`rows`, `columns`: between which two of the image `in_shape` (height, width, channels) each of the output is."""

    in_shape: Shape3
    rows: tuple[Between, ...]
    columns: tuple[Between, ...]

    @property
    def signature(self) -> Signature:
        made = (len(self.rows), len(self.columns), self.in_shape[2])
        return Signature((Operand(self.in_shape),), (Operand(made),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        image = inputs[0].astype(np.int64)
        (top, bottom, y), (left, right, x) = np.array(self.rows).T, np.array(self.columns).T
        y, x = y[:, None, None], x[:, None]
        lines = image[:, top] * (ONE - y) + image[:, bottom] * y
        made = lines[:, :, left] * (ONE - x) + lines[:, :, right] * x
        return ((np.sign(made) * ((np.abs(made) + ONE * ONE // 2) // (ONE * ONE))).astype(np.int8),)


def between(size: Pair, *, align: bool, half: bool) -> tuple[Between, ...]:
    """Of each of size[1] positions, between which two of size[0] it stands.

    Source: reference/resize_bilinear.h `ResizeBilinearInteger` and `ComputeInterpolationValues`.
    """
    given, made = size
    scale = (ONE * given + made // 2) // made
    if align and made > 1:
        scale = (ONE * (given - 1) + (made - 1) // 2) // (made - 1)
    places: list[Between] = []
    for position in range(made):
        at = position * scale + (scale // 2 - ONE // 2 if half else 0)
        first = max(at // ONE, 0)
        places.append((first, min(max(at + ONE - 1, 0) // ONE, given - 1), at - ONE * first))
    return tuple(places)


def lower(use: Use) -> ResizeBilinear:
    (_, height, width, channels), (_, rows, columns, _) = use.input(0).shape, use.output.shape
    align, half = bool(use.number("align_corners")), bool(use.number("half_pixel_centers"))
    return ResizeBilinear(
        (height, width, channels),
        between((height, rows), align=align, half=half),
        between((width, columns), align=align, half=half),
    )


def sample(random: Random) -> Sample:
    return resized(random, "RESIZE_BILINEAR")


OPERATOR = Operator(
    kind="RESIZE_BILINEAR",
    each_image=True,
    arity=Arity(2, 2),
    rules=(*RESIZING, codes_are_copied),
    types=(*INT8, Typed(("float32",), lower=_float_resize.lower)),
    lower=lower,
    sample=sample,
)
