"""Elements that are copied from places at regular distances: transposes and slices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinyperf.engines.aot.graph import Data
    from tinyperf.tflite import Tensor

MOST = 5
"""Dimensions, after those that can be walked as one are merged."""


@dataclass(frozen=True)
class Strided(Work):
    """Output of `shape`; along each dimension, the input's elements stand `strides` apart, the first one at `start`.

    `shape` and `strides` have MOST dimensions; a stride may be negative. `elements`: of the input.
    """

    elements: int
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str

    @property
    def one_run(self) -> bool:
        """The elements stand one behind the other in the input too."""
        return math.prod(self.shape) == self.shape[-1] and self.strides[-1] == 1

    @property
    def signature(self) -> Signature:
        return Signature((Operand((self.elements,), self.dtype),), (Operand(self.shape, self.dtype),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        at = np.full((1,) * MOST, self.start, np.int64)
        for axis, (n, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            at = at + np.arange(n).reshape((n,) + (1,) * (MOST - 1 - axis)) * stride
        return (inputs[0][:, at],)


def strides_of(shape: tuple[int, ...]) -> list[int]:
    """How far apart neighbours along each dimension stand."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def strided(given: Tensor, start: int, dimensions: Iterable[tuple[int, int]]) -> Strided:
    """Args: given: the input; dimensions: size and stride of each, at most MOST of them."""
    merged: list[tuple[int, int]] = []
    for size, stride in dimensions:
        if size == 1:
            continue
        if merged and merged[-1][1] == size * stride:
            merged[-1] = merged[-1][0] * size, stride
        else:
            merged.append((size, stride))
    merged = [(1, 0)] * (MOST - len(merged)) + merged
    sizes, strides = tuple(n for n, _ in merged), tuple(s for _, s in merged)
    return Strided(given.elements, start, sizes, strides, given.dtype)
