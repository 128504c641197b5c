"""ABS: a table of the output of every code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes, quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_map import mapped
from tinyperf.engines.aot.operators._lookup import EVERY_CODE, Lookup
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def input_is_not_much_coarser(use: Use) -> str | None:
    """The input scale is below 2**15 output scales: larger ones leave 32 bits."""
    ratio = scale(use.input(0)) / scale(use.output)
    return None if ratio < 2**15 else f"ratio {ratio:g}"


def lower(use: Use) -> Lookup:
    """micro/kernels/elementwise.cc `AbsEvalQuantized`; the ratio of the scales is formed in double."""
    size = np.abs(EVERY_CODE - zero(use.input(0)))
    given, made = scale(use.input(0)), scale(use.output)
    if given != made:
        size = requantized(size, *quantize_multiplier(given / made))
    return Lookup(use.output.elements, codes(size + zero(use.output)))


@dataclass(frozen=True)
class AbsoluteInt16(Work):
    """Sizes, rescaled."""

    elements: int
    multiplier: int
    shift: int

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,), "int16"),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        size = np.abs(inputs[0].astype(np.int64))
        return (codes(requantized(size, self.multiplier, self.shift), *code_range("int16"), dtype="int16"),)


def lower_int16(use: Use) -> AbsoluteInt16:
    """The same; a factor of 1 leaves every number as it is."""
    return AbsoluteInt16(use.output.elements, *quantize_multiplier(scale(use.input(0)) / scale(use.output)))


def sample(random: Random) -> Sample:
    return random.elementwise("ABS")


OPERATOR = Operator(
    kind="ABS",
    arity=Arity(1, 1),
    rules=(same_elements,),
    types=(
        Typed(("int8",), rules=(input_is_not_much_coarser,)),
        Typed(("int16",), rules=(input_is_not_much_coarser,), lower=lower_int16),
        mapped("abs"),
    ),
    lower=lower,
    sample=sample,
)
