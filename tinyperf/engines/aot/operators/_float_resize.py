"""RESIZE_BILINEAR of float32."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._float import single

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._scales import Pair, Shape3

Between = tuple[int, int, float, float]
"""Two positions, and what each of them counts; as float32."""


@dataclass(frozen=True)
class ResizeBilinearFloat(Work):
    """`rows`, `columns`: between which two of the image `in_shape` (height, width, channels) each of the output is."""

    in_shape: Shape3
    rows: tuple[Between, ...]
    columns: tuple[Between, ...]

    @property
    def signature(self) -> Signature:
        made = (len(self.rows), len(self.columns), self.in_shape[2])
        return Signature((Operand(self.in_shape, "float32"),), (Operand(made, "float32"),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        image = single(inputs[0])
        top, bottom, up, down = (np.array(side)[:, None, None] for side in zip(*self.rows, strict=True))
        left, right, near, far = (np.array(side)[:, None] for side in zip(*self.columns, strict=True))
        up, down, near, far = (single(side) for side in (up, down, near, far))
        upper, lower = image[:, top.ravel()], image[:, bottom.ravel()]
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            sums = upper[:, :, left.ravel()] * up * near + lower[:, :, left.ravel()] * down * near
            sums = sums + upper[:, :, right.ravel()] * up * far + lower[:, :, right.ravel()] * down * far
            return (sums + np.float32(0),)


def between(size: Pair, *, align: bool, half: bool) -> tuple[Between, ...]:
    """Of each of size[1] positions, between which two of size[0] it stands.

    Source: reference/resize_bilinear.h `ComputeInterpolationValues`.
    """
    given, made = size
    scale = np.float32(given) / np.float32(made)
    if align and made > 1:
        scale = np.float32(given - 1) / np.float32(made - 1)
    places: list[Between] = []
    for position in range(made):
        at = np.float32(position) * scale
        if half:
            at = (np.float32(position) + np.float32(0.5)) * scale - np.float32(0.5)
        first, second = max(math.floor(at), 0), min(math.ceil(at), given - 1)
        far = at - np.float32(first)
        places.append((first, second, float(np.float32(1) - far), float(far)))
    return tuple(places)


def lower(use: Use) -> ResizeBilinearFloat:
    (_, height, width, channels), (_, rows, columns, _) = use.input(0).shape, use.output.shape
    align, half = bool(use.number("align_corners")), bool(use.number("half_pixel_centers"))
    return ResizeBilinearFloat(
        (height, width, channels),
        between((height, rows), align=align, half=half),
        between((width, columns), align=align, half=half),
    )
