"""ADD_N and CUMSUM of float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._float import single

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators._scales import Shape3


@dataclass(frozen=True)
class AddNFloat(Work):
    """The sum of all inputs, from the first one on."""

    elements: int
    inputs: int

    @property
    def signature(self) -> Signature:
        row = Operand((self.elements,), "float32")
        return Signature((row,) * self.inputs, (row,))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        made = np.zeros_like(single(inputs[0]))
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            for given in inputs:
                made = made + single(given)
        return (made,)


@dataclass(frozen=True)
class CumSumFloat(Work):
    """Sums along the middle one of three dimensions, from its end on where `reverse`, each without its own entry where
    `exclusive`.
    """

    shape: Shape3
    exclusive: bool
    reverse: bool

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.shape, "float32"),), (Operand(self.shape, "float32"),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        given = single(inputs[0])
        given = given[:, :, ::-1] if self.reverse else given
        made = np.empty_like(given)
        total = np.zeros_like(given[:, :, 0])
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            for at in range(self.shape[1]):
                after = total + given[:, :, at]
                made[:, :, at] = total if self.exclusive else after
                total = after
        return (made[:, :, ::-1] if self.reverse else made,)
