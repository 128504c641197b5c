"""MAXIMUM and MINIMUM, with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, Typed, moved
from tinyperf.engines.aot.operators._broadcast import Broadcast, broadcast, random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._float_pair import paired
from tinyperf.engines.aot.operators._rules import codes_are_copied

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True)
class Larger(Broadcast):
    """The larger of two integers, or the smaller one."""

    maximum: bool
    dtype: str = "int8"

    @property
    def types(self) -> tuple[str, str, str]:
        return self.dtype, self.dtype, self.dtype

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        a, b = (side.astype(self.dtype) for side in inputs)
        return (np.maximum(a, b) if self.maximum else np.minimum(a, b),)


def choosing(kind: str, *, maximum: bool) -> Operator:
    """The operator of that name."""

    def lower(use: Use) -> Larger:
        """micro/kernels/maximum_minimum.cc."""
        return Larger(*broadcast(use.input(0).shape, use.input(1).shape), maximum, use.output.dtype)

    def sample(random: Random) -> Sample:
        drawn = random_pair(random, kind, max)
        given, other, made = drawn.tensors
        tensors = given, random.constant(random.codes(*other.shape), like=given), random.like(given, made.shape)
        return random.use(kind, tensors, drawn.inputs)

    return Operator(
        kind=kind,
        arity=Arity(2, 2, data=(0, 2)),
        rules=(shapes_broadcast, codes_are_copied),
        types=(*moved("int8", "int16", "int32", "int64"), Typed(("float32",), lower=paired(kind.lower()))),
        lower=lower,
        sample=sample,
    )
