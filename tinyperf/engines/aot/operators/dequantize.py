"""DEQUANTIZE: codes as float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero
from tinyperf.engines.aot.operators.quantize import codes_have_a_scale

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True)
class Dequantize(Work):
    """DEQUANTIZE from codes of type `given`."""

    elements: int
    scale: float
    zero: int
    given: str

    @property
    def signature(self) -> Signature:
        row = (self.elements,)
        return Signature((Operand(row, self.given),), (Operand(row, "float32"),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """TFLM multiplies in double; a float32 by 17 bits rounds once either way."""
        return ((inputs[0].astype(np.int64) - self.zero).astype(np.float32) * np.float32(self.scale),)


def lower(use: Use) -> Dequantize:
    """reference/dequantize.h."""
    given = use.input(0)
    return Dequantize(given.elements, scale(given), zero(given), given.dtype)


def sample(random: Random) -> Sample:
    shape = (1, random.integer(1, 40))
    given, made = random.tensor(shape, random.scale()), random.tensor(shape, 1, dtype="float32")
    return random.use("DEQUANTIZE", (given, made), (0,))


OPERATOR = Operator(
    kind="DEQUANTIZE",
    arity=Arity(1, 1),
    rules=(same_elements, codes_have_a_scale),
    lower=lower,
    sample=sample,
    types=tuple(Typed((given,), ("float32",), scales=False) for given in ("int8", "uint8", "int16")),
)
