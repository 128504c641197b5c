"""Elements that are copied from places which a table gives for each dimension: gathers and mirrored edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.engines.aot.graph import Data
    from tinyperf.tflite import Tensor

MOST = 4
"""Dimensions with a table."""

Table = tuple[int, ...]


@dataclass(frozen=True)
class Picked(Work):
    """Output of MOST dimensions and `run` neighbours: the input's elements from the sum of the tables' entries on.

    `elements`: of the input.
    """

    elements: int
    tables: tuple[Table, ...]
    run: int
    dtype: str

    @property
    def signature(self) -> Signature:
        made = (*(len(table) for table in self.tables), self.run)
        return Signature((Operand((self.elements,), self.dtype),), (Operand(made, self.dtype),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        at = np.zeros(1, np.int64)
        for table in (*self.tables, range(self.run)):
            at = at[..., None] + np.array(table, np.int64)
        return (inputs[0][:, at[0]],)


def picked(given: Tensor, tables: Sequence[Sequence[int]]) -> Picked:
    """Args: given: the input; tables: how far into it each index of each dimension of the output leads."""
    left, run = [tuple(table) for table in tables], 1
    while left and left[-1] == tuple(range(0, len(left[-1]) * run, run)):
        run *= len(left.pop())
    left = [table for table in left if table != (0,)]
    while len(left) > MOST:
        first, second = left[:2]
        left[:2] = [tuple(a + b for a in first for b in second)]
    return Picked(given.elements, ((0,),) * (MOST - len(left)) + tuple(left), run, given.dtype)
