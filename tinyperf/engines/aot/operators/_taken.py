"""Parts of the input along one dimension, by indices that are computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.engines.aot.graph import Data

T = TypeVar("T")


@dataclass(frozen=True)
class Taken(Work):
    """Of the input [outer, size, inner], `count` parts [inner] for each of `outer`.

    An index beyond an end is the end's (TFLM stops there, or reads what lies outside).

    indices_first: the order of the two inputs.
    """

    outer: int
    size: int
    inner: int
    count: int
    dtype: str
    indices_first: bool = False

    @property
    def signature(self) -> Signature:
        given, indices = Operand((self.outer, self.size, self.inner), self.dtype), Operand((self.count,), "int32")
        return Signature(
            (indices, given) if self.indices_first else (given, indices),
            (Operand((self.outer, self.count, self.inner), self.dtype),),
        )

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        given, indices = self.ordered(inputs)
        at = np.clip(indices.astype(np.int64), 0, self.size - 1)
        return (np.take_along_axis(given, at[:, None, :, None], axis=2),)

    def ordered(self, inputs: Sequence[T]) -> tuple[T, T]:
        """What is taken from, and the indices."""
        first, second = inputs
        return (second, first) if self.indices_first else (first, second)
