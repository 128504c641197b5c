"""ASSIGN_VARIABLE: from here on a resource variable holds this value. `Copy` is for one that is made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Operand, Origin, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator
from tinyperf.engines.aot.operators._resource import handle_is_known, value_fits

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use


@dataclass(frozen=True)
class Copy(Work):
    """The same elements in bytes of their own."""

    elements: int
    dtype: str

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,), self.dtype),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return inputs


def effect(use: Use) -> None:
    use.variables.assign(use.input(0), use.input(1), Origin(use.op.index, use.op.kind))


OPERATOR = Operator(
    kind="ASSIGN_VARIABLE", arity=Arity(2, 2, outputs=0), rules=(handle_is_known, value_fits), effect=effect
)
