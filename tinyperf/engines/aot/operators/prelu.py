"""PRELU: a slope of its own for every element, or for those along which the slopes repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes, quantize_multiplier, requantized
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._broadcast import Broadcast, broadcast, random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._float_pair import paired
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair


@dataclass(frozen=True)
class Prelu(Broadcast):
    """Input and slopes, without their zero points. `positive`, `negative`: multiplier and shift of either side."""

    zeros: Pair
    positive: Pair
    negative: Pair
    out_zero: int
    dtype: str = "int8"

    @property
    def types(self) -> tuple[str, str, str]:
        """Slopes are int8 always."""
        return self.dtype, "int8", self.dtype

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        x, slope = (side.astype(np.int64) - zero for side, zero in zip(inputs, self.zeros, strict=True))
        made = np.where(x >= 0, requantized(x, *self.positive), requantized(x * slope, *self.negative))
        return (codes(made + self.out_zero, *code_range(self.dtype), dtype=self.dtype),)


def _ratios(use: Use) -> tuple[float, float]:
    given, slope, made = scale(use.input(0)), scale(use.input(1)), scale(use.output)
    return given / made, given * slope / made


def ratios_are_moderate(use: Use) -> str | None:
    """Input scale, and input scale x slope scale, are below 2**15 output scales, of int16 below 2**7: larger ones
    leave 32 bits.
    """
    return None if max(_ratios(use)) < (2**15 if use.output.dtype == "int8" else 2**7) else f"ratios {_ratios(use)}"


def slopes_repeat(use: Use) -> str | None:
    """The input has the output's shape."""
    return None if use.input(0).shape == use.output.shape else f"input {list(use.input(0).shape)}"


def lower(use: Use) -> Prelu:
    """micro/kernels/prelu_common.cc and reference/prelu.h."""
    a, b = use.input(0), use.input(1)
    positive, negative = map(quantize_multiplier, _ratios(use))
    return Prelu(*broadcast(a.shape, b.shape), (zero(a), zero(b)), positive, negative, zero(use.output), a.dtype)


def sample(random: Random) -> Sample:
    drawn = random_pair(random, "PRELU", lambda given, _: random.near(given, 1))
    given, slope, made = drawn.tensors
    if random.given == "int16":
        slope = random.constant(random.codes(*slope.shape, dtype="int8"), scale(slope), random.zero("int8"))
    return random.use("PRELU", (given, slope, made), (0, 1))


OPERATOR = Operator(
    kind="PRELU",
    arity=Arity(2, 2, data=(0, 2)),
    rules=(shapes_broadcast, slopes_repeat),
    types=(
        Typed(("int8",), rules=(ratios_are_moderate,)),
        Typed(("int16", "int8"), ("int16",), rules=(ratios_are_moderate,)),
        Typed(("float32",), lower=paired("prelu")),
    ),
    lower=lower,
    sample=sample,
)
