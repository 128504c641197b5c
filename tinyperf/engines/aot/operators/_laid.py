"""An image in another layout: no operator of a file, but what stands between two kernels that want different ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Operand, Signature, Work

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators._scales import Shape3


@dataclass(frozen=True)
class Laid(Work):
    """The same codes; their layouts are those of the values, and of the form. `shape`: height, width, channels."""

    shape: Shape3

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.shape),), (Operand(self.shape),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return inputs
