"""LOGICAL_NOT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._rules import same_elements

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True)
class LogicalNot(Work):
    """False of what is true, true of what is false."""

    elements: int

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,), "bool"),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return (np.logical_not(inputs[0]),)


def lower(use: Use) -> LogicalNot:
    return LogicalNot(use.output.elements)


def sample(random: Random) -> Sample:
    return random.elementwise("LOGICAL_NOT")


OPERATOR = Operator(
    kind="LOGICAL_NOT",
    arity=Arity(1, 1),
    rules=(same_elements,),
    lower=lower,
    sample=sample,
    types=(Typed(("bool",)),),
)
