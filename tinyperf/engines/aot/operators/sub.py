"""SUB, with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, requantized
from tinyperf.engines.aot.operators import Arity, Operator, Typed, add
from tinyperf.engines.aot.operators._broadcast import Broadcast, random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._float_pair import paired
from tinyperf.engines.aot.operators._int_pair import of_int32
from tinyperf.engines.aot.operators._rules import activation_is_known

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair


@dataclass(frozen=True)
class Sub(Broadcast):
    """As Add, the second input subtracted."""

    zeros: Pair
    multipliers: tuple[Pair, Pair, Pair]
    out_zero: int
    clamp: Pair
    left_shift: int = 20
    dtype: str = "int8"

    @property
    def types(self) -> tuple[str, str, str]:
        return self.dtype, self.dtype, self.dtype

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        sides = zip(inputs, self.zeros, self.multipliers[:2], strict=True)
        scaled = [
            requantized((side.astype(np.int64) - zero) << self.left_shift, *factor) for side, zero, factor in sides
        ]
        made = requantized(scaled[0] - scaled[1], *self.multipliers[2]) + self.out_zero
        return (codes(made, *self.clamp, dtype=self.dtype),)


def lower(use: Use) -> Sub:
    """micro/kernels/sub_common.cc: the multipliers of ADD."""
    work = add.lower(use)
    return Sub(**{field.name: getattr(work, field.name) for field in fields(work)})


def sample(random: Random) -> Sample:
    options = {"fused_activation_function": random.activation()}
    return random_pair(random, "SUB", lambda a, b: random.near(max(a, b), 1.5), options)


OPERATOR = Operator(
    kind="SUB",
    arity=Arity(2, 2, data=(0, 2)),
    rules=(shapes_broadcast, activation_is_known),
    types=(
        Typed(("int8",), rules=(add.sum_is_scaled_down,)),
        Typed(("int16",), rules=(add.sum_is_scaled_down,)),
        of_int32("sub", activation=True, scaled=False),
        Typed(("float32",), lower=paired("sub", activation=True)),
    ),
    lower=lower,
    sample=sample,
)
