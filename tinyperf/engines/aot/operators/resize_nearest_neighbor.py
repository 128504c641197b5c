"""RESIZE_NEAREST_NEIGHBOR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._resize import RESIZING, resized
from tinyperf.engines.aot.operators._rules import codes_are_copied

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair, Shape3


@dataclass(frozen=True)
class ResizeNearest(Work):
    """`rows`, `columns`: which one of the image `in_shape` (height, width, channels) each of the output is."""

    in_shape: Shape3
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    dtype: str

    @property
    def signature(self) -> Signature:
        made = (len(self.rows), len(self.columns), self.in_shape[2])
        return Signature((Operand(self.in_shape, self.dtype),), (Operand(made, self.dtype),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return (inputs[0][:, self.rows][:, :, self.columns],)


def nearest(size: Pair, *, align: bool, half: bool) -> tuple[int, ...]:
    """Of each of size[1] positions, the one of size[0] that stands for it.

    Source: reference/resize_nearest_neighbor.h `GetNearestNeighbor`, in float32.
    """
    given, made = size
    corners = align and made > 1
    scale = np.float32(given - 1) / np.float32(made - 1) if corners else np.float32(given) / np.float32(made)
    at = (np.arange(made, dtype=np.float32) + np.float32(0.5 if half else 0.0)) * scale
    whole = np.floor(at + np.float32(0.5)) if align else np.floor(at)
    return tuple(np.clip(whole.astype(int), 0, given - 1).tolist())


def lower(use: Use) -> ResizeNearest:
    (_, height, width, channels), (_, rows, columns, _) = use.input(0).shape, use.output.shape
    align, half = bool(use.number("align_corners")), bool(use.number("half_pixel_centers"))
    return ResizeNearest(
        (height, width, channels),
        nearest((height, rows), align=align, half=half),
        nearest((width, columns), align=align, half=half),
        use.output.dtype,
    )


def sample(random: Random) -> Sample:
    return resized(random, "RESIZE_NEAREST_NEIGHBOR")


OPERATOR = Operator(
    kind="RESIZE_NEAREST_NEIGHBOR",
    each_image=True,
    arity=Arity(2, 2),
    rules=(*RESIZING, codes_are_copied),
    lower=lower,
    sample=sample,
    types=moved("int8", "int16", "float32"),
)
