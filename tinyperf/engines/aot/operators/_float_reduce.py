"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN of float32, along any axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._float import LARGEST, single

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators._float import Float

FUNCTIONS: Mapping[str, tuple[float, Callable[[Float, Float], Float]]] = {
    "sum": (0.0, lambda made, x: x + made),
    "max": (-LARGEST, lambda made, x: single(np.where(x > made, x, made))),
    "min": (LARGEST, lambda made, x: single(np.where(x < made, x, made))),
}
"""What a reduction starts with, and how it goes on; by the names that tp_reduce_f32.h has: tp_reduce_NAME."""


@dataclass(frozen=True)
class ReduceFloat(Work):
    """One of FUNCTIONS; `shape`: dimensions merged into kept, reduced, kept, reduced, kept."""

    shape: tuple[int, int, int, int, int]
    function: str
    divisor: int

    @property
    def start(self) -> float:
        return FUNCTIONS[self.function][0]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.shape, "float32"),), (Operand(self.shape[::2], "float32"),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        given = single(inputs[0])
        start, each = FUNCTIONS[self.function]
        made = np.full((len(given), *self.shape[::2]), start, np.float32)
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            for j in range(self.shape[1]):
                for m in range(self.shape[3]):
                    made = each(made, given[:, :, j, :, m])
            return (made / np.float32(self.divisor),)
