"""SQUARED_DIFFERENCE, with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes, quantize_multiplier, requantized
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._broadcast import Broadcast, broadcast, random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._float_pair import paired
from tinyperf.engines.aot.operators._int_pair import of_int32
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair

FRACTION_BITS = {"int8": 7, "int16": 0}
"""Of each side in the common scale, which is twice the larger input scale; by the type of codes."""


@dataclass(frozen=True)
class SquaredDifference(Broadcast):
    """Each multiplier is (mantissa, shift) of TFLM: of both inputs, and of the square."""

    zeros: Pair
    multipliers: tuple[Pair, Pair, Pair]
    out_zero: int
    dtype: str = "int8"

    @property
    def types(self) -> tuple[str, str, str]:
        return self.dtype, self.dtype, self.dtype

    @property
    def fraction_bits(self) -> int:
        return FRACTION_BITS[self.dtype]

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        sides = zip(inputs, self.zeros, self.multipliers[:2], strict=True)
        bits = self.fraction_bits
        a, b = (requantized((side.astype(np.int64) - zero) << bits, *factor) for side, zero, factor in sides)
        made = requantized((a - b) ** 2, *self.multipliers[2]) + self.out_zero
        return (codes(made, *code_range(self.dtype), dtype=self.dtype),)


def _ratio(use: Use) -> float:
    twice = 2 * max(scale(use.input(0)), scale(use.input(1)))
    return twice * twice / (2.0 ** (2 * FRACTION_BITS[use.output.dtype]) * scale(use.output))


def square_is_scaled_down(use: Use) -> str | None:
    """The square of the larger input scale is below 2**13 output scales, of int16 1/4: larger ones leave 32 bits."""
    return None if _ratio(use) < (2 if use.output.dtype == "int8" else 1) else f"ratio {_ratio(use):g}"


def lower(use: Use) -> SquaredDifference:
    """micro/kernels/squared_difference.cc."""
    a, b = use.input(0), use.input(1)
    twice = 2 * max(scale(a), scale(b))
    multipliers = (
        quantize_multiplier(scale(a) / twice),
        quantize_multiplier(scale(b) / twice),
        quantize_multiplier(_ratio(use)),
    )
    return SquaredDifference(*broadcast(a.shape, b.shape), (zero(a), zero(b)), multipliers, zero(use.output), a.dtype)


def sample(random: Random) -> Sample:
    spread = 64 if random.given == "int8" else 2**15
    return random_pair(random, "SQUARED_DIFFERENCE", lambda a, b: random.near(max(a, b) ** 2 * spread, 1.5))


OPERATOR = Operator(
    kind="SQUARED_DIFFERENCE",
    arity=Arity(2, 2, data=(0, 2)),
    rules=(shapes_broadcast,),
    types=(
        Typed(("int8",), rules=(square_is_scaled_down,)),
        Typed(("int16",), rules=(square_is_scaled_down,)),
        of_int32("squared_difference"),
        Typed(("float32",), lower=paired("squared_difference")),
    ),
    lower=lower,
    sample=sample,
)
