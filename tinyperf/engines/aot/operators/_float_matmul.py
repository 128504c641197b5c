"""Products of computed matrices of float32: BATCH_MATMUL, and FULLY_CONNECTED with computed weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._float import clamped, single

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators._float import Float, Limits
    from tinyperf.engines.aot.operators._matrix import Side
    from tinyperf.engines.aot.operators._scales import Shape3


@dataclass(frozen=True, eq=False)
class MatMulFloat(Work):
    """Output [batches, rows, columns]: sums over `depth` of the entries of a row of `left` times one of `right`.

    `bias` [columns] is added to the sums. The zero points of both sides are 0.
    """

    batches: Shape3
    rows: int
    columns: int
    depth: int
    left: Side
    right: Side
    bias: npt.NDArray[np.float32]
    clamp: Limits

    @property
    def signature(self) -> Signature:
        given = (Operand((side.elements,), "float32") for side in (self.left, self.right))
        return Signature(tuple(given), (Operand((*self.batches, self.rows, self.columns), "float32"),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        a, b = (
            self._matrices(single(given), side, count)
            for given, side, count in zip(inputs, (self.left, self.right), (self.rows, self.columns), strict=True)
        )
        sums = np.zeros((len(a), *self.batches, self.rows, self.columns), np.float32)
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            for entry in range(self.depth):
                sums += a[..., :, None, entry] * b[..., None, :, entry]
            return (clamped(sums + self.bias, self.clamp),)

    def _matrices(self, given: Float, side: Side, rows: int) -> Float:
        """[n, *batches, rows, depth]."""
        at = np.zeros(1, np.int64)
        for count, step in zip((*self.batches, rows, self.depth), (*side.batches, side.row, side.entry), strict=True):
            at = at[..., None] + np.arange(count) * step
        return given[:, at[0]]
