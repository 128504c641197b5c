"""LOGISTIC: a table of the output of every code."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW, codes, divide_by_power_of_two, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator
from tinyperf.engines.aot.operators._exponential import exp, one_over_one_plus
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample

EVERY_CODE = np.arange(INT8_LOW, INT8_HIGH + 1)


@dataclass(frozen=True, eq=False)
class Lookup(Work):
    """`table` int8 [256]: the output of every code, from the lowest to the highest."""

    elements: int
    table: npt.NDArray[np.int8]

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,)),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return (self.table[inputs[0].astype(np.int64) - INT8_LOW],)


INTEGER_BITS = 4  # of the input in fixed point


def probabilities_are_256ths(use: Use) -> str | None:
    """The output scale is 1/256 and its zero point -128; the input scale is at least 2**-27."""
    if scale(use.output) != 1 / 256 or zero(use.output) != INT8_LOW:
        return f"output {use.output.quantization}"
    given = scale(use.input(0))
    return None if given * 2 ** (31 - INTEGER_BITS) >= 1 else f"input scale {given:g}"


def lower(use: Use) -> Lookup:
    """micro/kernels/logistic_common.cc, reference/integer_ops/logistic.h and gemmlowp's `logistic`."""
    fraction, left_shift = math.frexp(scale(use.input(0)) * 2 ** (31 - INTEGER_BITS))
    radius = math.floor((2**INTEGER_BITS - 1) * 2 ** (31 - INTEGER_BITS) / 2**left_shift)
    given = EVERY_CODE - zero(use.input(0))
    inside = np.clip(given, -radius, radius)
    x = requantized(inside, math.floor(fraction * 2**31 + 0.5), min(left_shift, 31))
    positive = one_over_one_plus(exp(-np.abs(x), INTEGER_BITS))
    made = np.where(x > 0, positive, np.where(x < 0, 2**31 - 1 - positive, 2**30))
    table = codes(divide_by_power_of_two(made, 31 - 8) + INT8_LOW)
    table[given >= radius] = INT8_HIGH
    table[given <= -radius] = INT8_LOW
    return Lookup(use.output.elements, table)


def sample(random: Random) -> Sample:
    shape = (1, random.integer(1, 40))
    tensors = random.tensor(shape, random.scale(-4, 1)), random.tensor(shape, 1 / 256, -128)
    return random.use("LOGISTIC", tensors, (0,))


OPERATOR = Operator(
    kind="LOGISTIC", arity=Arity(1, 1), rules=(same_elements, probabilities_are_256ths), lower=lower, sample=sample
)
