"""SUB, with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from tinyperf.engines.aot.operators import Arity, Operator, Typed, add
from tinyperf.engines.aot.operators._broadcast import random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._float_pair import paired
from tinyperf.engines.aot.operators._int_pair import of_int32
from tinyperf.engines.aot.operators._rules import activation_is_known

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True)
class Sub(add.Add):
    """As Add, the second input subtracted."""

    sign: ClassVar[int] = -1


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
