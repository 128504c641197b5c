"""RESHAPE: the same bytes under another shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Shared, Signature, Work
from tinyperf.engines.aot.operators import EVERY, Arity, Operator, moved
from tinyperf.engines.aot.operators._rules import same_elements

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True)
class Alias(Work):
    """RESHAPE: the same bytes under another shape."""

    elements: int
    dtype: str

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,), self.dtype),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return inputs

    @property
    def shared(self) -> tuple[Shared, ...]:
        return (Shared(0, 0, 0),)


def lower(use: Use) -> Alias:
    return Alias(use.output.elements, use.output.dtype)


def fold(use: Use) -> npt.NDArray[np.generic] | None:
    """A constant that is reshaped is a constant."""
    given = use.input(0).data
    if given is None or given.size != use.output.elements:
        return None
    reshaped: npt.NDArray[np.generic] = given.reshape(use.output.shape)
    return reshaped


def sample(random: Random) -> Sample:
    n = random.integer(1, 40)
    given = random.tensor((1, n), random.scale(-2, 0))
    shape = random.constant(np.array([1, 1, n], np.int32))
    return random.use("RESHAPE", (given, shape, random.like(given, (1, 1, n))), (0, 1), {"new_shape": (1, 1, n)})


OPERATOR = Operator(
    kind="RESHAPE",
    arity=Arity(1, 2),
    rules=(same_elements,),
    lower=lower,
    fold=fold,
    sample=sample,
    types=moved(*EVERY),
)
