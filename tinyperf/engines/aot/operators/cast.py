"""CAST: numbers as another type, whatever scale they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.engines.aot.arithmetic import truncated
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._rules import same_elements

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True)
class Cast(Work):
    """CAST as C does it. A float loses its fraction; beyond 32 bits it is the last number of them."""

    elements: int
    given: str
    made: str

    @property
    def signature(self) -> Signature:
        row = (self.elements,)
        return Signature((Operand(row, self.given),), (Operand(row, self.made),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        numbers = inputs[0]
        if self.given == "float32" and self.made != "float32":
            numbers = truncated(numbers, "uint32" if self.made == "uint32" else "int32")
        return (numbers.astype(self.made),)


def lower(use: Use) -> Cast:
    """micro/kernels/cast.cc."""
    return Cast(use.output.elements, use.input(0).dtype, use.output.dtype)


def sample(random: Random) -> Sample:
    shape = (1, random.integer(1, 40))
    made = random.tensor(shape, random.scale(), dtype=random.made)
    return random.use("CAST", (random.tensor(shape, random.scale()), made), (0,))


GIVEN = ("int8", "int16", "int32", "uint32", "float32", "bool")
MADE = ("int8", "int16", "int32", "uint32", "float32")
OPERATOR = Operator(
    kind="CAST",
    arity=Arity(1, 1),
    rules=(same_elements,),
    lower=lower,
    sample=sample,
    types=tuple(Typed((g,), () if m == g else (m,), scales=False) for g in GIVEN for m in MADE),
)
