"""MUL, with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, quantize_multiplier, requantized
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._broadcast import Broadcast, broadcast, random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._float_pair import paired
from tinyperf.engines.aot.operators._int_pair import of_int32
from tinyperf.engines.aot.operators._rules import activation_is_known, codes_may_vanish
from tinyperf.engines.aot.operators._scales import clamp, scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair


@dataclass(frozen=True)
class Mul(Broadcast):
    """The product of both inputs, each without its zero point, requantized."""

    zeros: Pair
    multiplier: int
    shift: int
    out_zero: int
    clamp: Pair
    dtype: str = "int8"

    @property
    def types(self) -> tuple[str, str, str]:
        return self.dtype, self.dtype, self.dtype

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        a, b = (side.astype(np.int64) - zero for side, zero in zip(inputs, self.zeros, strict=True))
        return (codes(requantized(a * b, self.multiplier, self.shift) + self.out_zero, *self.clamp, dtype=self.dtype),)


def _ratio(use: Use) -> float:
    return scale(use.input(0)) * scale(use.input(1)) / scale(use.output)


def product_is_not_scaled_up(use: Use) -> str | None:
    """The product of the input scales is below 2**15 output scales, of int16 below one: larger ones leave 32 bits."""
    if not scale(use.output):
        return "output scale 0"
    return None if _ratio(use) < (2**15 if use.output.dtype == "int8" else 1) else f"ratio {_ratio(use):g}"


def lower(use: Use) -> Mul:
    """micro/kernels/mul_common.cc."""
    a, b, out = use.input(0), use.input(1), use.output
    multiplier = quantize_multiplier(_ratio(use))
    return Mul(*broadcast(a.shape, b.shape), (zero(a), zero(b)), *multiplier, zero(out), clamp(use), out.dtype)


def sample(random: Random) -> Sample:
    """Outputs that spread over the codes, give or take a factor of 30."""
    options = {"fused_activation_function": random.activation()}
    return random_pair(
        random, "MUL", lambda a, b: random.near(a * b * (64 if random.given == "int8" else 2**14), 1.5), options
    )


OPERATOR = Operator(
    kind="MUL",
    arity=Arity(2, 2, data=(0, 2)),
    rules=(shapes_broadcast, activation_is_known),
    types=(
        Typed(("int8",), rules=(product_is_not_scaled_up,)),
        Typed(("int16",), scales=False, rules=(codes_may_vanish, product_is_not_scaled_up)),
        of_int32("mul", activation=True),
        Typed(("float32",), lower=paired("mul", activation=True)),
    ),
    lower=lower,
    sample=sample,
)
