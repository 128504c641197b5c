"""QUANTIZE from int8 to int8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW, codes, quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair


@dataclass(frozen=True)
class Rescale(Work):
    """QUANTIZE from int8 to int8, and RELU on its own."""

    elements: int
    in_zero: int
    out_zero: int
    multiplier: int
    shift: int
    clamp: Pair

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,)),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        made = requantized(inputs[0].astype(np.int64) - self.in_zero, self.multiplier, self.shift) + self.out_zero
        return (codes(made, *self.clamp),)


def lower(use: Use) -> Rescale:
    """reference/requantize.h."""
    multiplier, shift = quantize_multiplier(scale(use.input(0)) / scale(use.output))
    zeros = zero(use.input(0)), zero(use.output)
    return Rescale(use.output.elements, *zeros, multiplier, shift, (INT8_LOW, INT8_HIGH))


def sample(random: Random) -> Sample:
    return random.elementwise("QUANTIZE")


OPERATOR = Operator(kind="QUANTIZE", arity=Arity(1, 1), rules=(same_elements,), lower=lower, sample=sample)
