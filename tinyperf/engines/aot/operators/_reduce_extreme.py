"""REDUCE_MAX and REDUCE_MIN: the largest or smallest code along any axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import INT8, Arity, Operator, Typed, mean
from tinyperf.engines.aot.operators._rules import codes_are_copied

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True)
class ReduceExtreme(Work):
    """Of int8, or of bool as bytes. `shape`: dimensions merged into kept, reduced, kept, reduced, kept."""

    shape: tuple[int, int, int, int, int]
    maximum: bool
    dtype: str = "int8"

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.shape, self.dtype),), (Operand(self.shape[::2], self.dtype),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        codes = inputs[0].astype(self.dtype)
        return (codes.max(axis=(2, 4)) if self.maximum else codes.min(axis=(2, 4)),)


def reducing(kind: str, *, maximum: bool) -> Operator:
    """The operator of that name."""

    def lower(use: Use) -> ReduceExtreme:
        """micro/kernels/reduce_common.cc."""
        shape = use.input(0).shape
        return ReduceExtreme(mean.alternating(shape, mean.reduced(use)), maximum)

    def sample(random: Random) -> Sample:
        given, axes, made = mean.sample(random).tensors
        return random.use(kind, (given, axes, random.like(given, made.shape)), (0, 1))

    return Operator(
        kind=kind,
        arity=Arity(2, 2),
        rules=(mean.axes_are_constant, codes_are_copied),
        types=(*INT8, Typed(("float32",), lower=mean.of_floats("max" if maximum else "min"))),
        lower=lower,
        sample=sample,
    )
