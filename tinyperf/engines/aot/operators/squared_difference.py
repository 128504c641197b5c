"""SQUARED_DIFFERENCE, with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, quantize_multiplier, requantized
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._broadcast import Broadcast, broadcast, random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._float_pair import paired
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair

FRACTION_BITS = 7
"""Of each side in the common scale, which is twice the larger input scale."""


@dataclass(frozen=True)
class SquaredDifference(Broadcast):
    """Each multiplier is (mantissa, shift) of TFLM: of both inputs, and of the square."""

    zeros: Pair
    multipliers: tuple[Pair, Pair, Pair]
    out_zero: int

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        sides = zip(inputs, self.zeros, self.multipliers[:2], strict=True)
        a, b = (requantized((side.astype(np.int64) - zero) << FRACTION_BITS, *factor) for side, zero, factor in sides)
        return (codes(requantized((a - b) ** 2, *self.multipliers[2]) + self.out_zero),)


def _ratio(use: Use) -> float:
    twice = 2 * max(scale(use.input(0)), scale(use.input(1)))
    return twice * twice / (2.0 ** (2 * FRACTION_BITS) * scale(use.output))


def square_is_scaled_down(use: Use) -> str | None:
    """The square of the larger input scale is below 2**13 output scales: larger ones leave 32 bits."""
    return None if _ratio(use) < 2 else f"ratio {_ratio(use):g}"


def lower(use: Use) -> SquaredDifference:
    """micro/kernels/squared_difference.cc."""
    a, b = use.input(0), use.input(1)
    twice = 2 * max(scale(a), scale(b))
    multipliers = (
        quantize_multiplier(scale(a) / twice),
        quantize_multiplier(scale(b) / twice),
        quantize_multiplier(_ratio(use)),
    )
    return SquaredDifference(*broadcast(a.shape, b.shape), (zero(a), zero(b)), multipliers, zero(use.output))


def sample(random: Random) -> Sample:
    return random_pair(random, "SQUARED_DIFFERENCE", lambda a, b: random.near(max(a, b) ** 2 * 64, 1.5))


OPERATOR = Operator(
    kind="SQUARED_DIFFERENCE",
    arity=Arity(2, 2, data=(0, 2)),
    rules=(shapes_broadcast,),
    types=(Typed(("int8",), rules=(square_is_scaled_down,)), Typed(("float32",), lower=paired("squared_difference"))),
    lower=lower,
    sample=sample,
)
