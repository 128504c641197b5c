"""Comparisons, and what joins their results, with broadcasting: two inputs give a truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._broadcast import Broadcast, broadcast, random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.tflite import Tensor

RELATIONS: Mapping[str, Callable[[Data, Data], Data]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "&&": np.logical_and,
    "||": np.logical_or,
}
"""By what C calls them."""

FRACTION_BITS = 8
"""Of codes that are compared."""


@dataclass(frozen=True)
class Scaled:
    """How a code becomes a number: multiplier and shift are TFLM's, of the scale itself."""

    zero: int
    multiplier: int
    shift: int

    def of(self, codes: Data) -> Data:
        return requantized((codes.astype(np.int64) - self.zero) << FRACTION_BITS, self.multiplier, self.shift)


@dataclass(frozen=True)
class Compare(Broadcast):
    """One of RELATIONS between numbers of `dtype`; `scaled`: of both sides, where they are codes."""

    relation: str
    dtype: str
    scaled: tuple[Scaled, ...] = ()

    @property
    def signature(self) -> Signature:
        codes = super().signature
        first, second = (Operand(one.shape, self.dtype) for one in codes.inputs)
        return Signature((first, second), (Operand(self.shape, "bool"),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/comparisons.h."""
        a, b = (one.of(side) for one, side in zip(self.scaled, inputs, strict=True)) if self.scaled else inputs
        return (np.broadcast_to(RELATIONS[self.relation](a, b), (len(a), *self.shape)),)


def scales_are_below_one(use: Use) -> str | None:
    """Both input scales are below 1: TFLM stops the program where one is not."""
    given = [scale(tensor) for tensor in use.data]
    return None if max(given) < 1 else f"scales {given}"


def _scaled(tensor: Tensor) -> Scaled:
    return Scaled(zero(tensor), *quantize_multiplier(scale(tensor)))


def comparing(kind: str, relation: str) -> Operator:
    """The operator of that name."""

    def lower(use: Use) -> Compare:
        """micro/kernels/comparisons.cc."""
        scaled = tuple(map(_scaled, use.data)) if use.input(0).dtype == "int8" else ()
        return Compare(*broadcast(use.input(0).shape, use.input(1).shape), relation, use.input(0).dtype, scaled)

    def sample(random: Random) -> Sample:
        """Often of equal numbers."""
        drawn = random_pair(random, kind, max)
        given, other, made = drawn.tensors
        equal = random.codes(*other.shape) if random.given == "bool" else random.codes(*other.shape) % 3
        if random.pick(True, False) and other.data is not None:
            other = random.constant(equal.astype(other.data.dtype), like=given)
        return random.use(kind, (given, other, random.tensor(made.shape, 1.0, dtype="bool")), drawn.inputs)

    types = ("int32", "int64", "float32", *(("bool",) if kind in {"EQUAL", "NOT_EQUAL"} else ()))
    return Operator(
        kind=kind,
        arity=Arity(2, 2, data=(0, 2)),
        rules=(shapes_broadcast,),
        lower=lower,
        sample=sample,
        types=(
            Typed(("int8",), ("bool",), rules=(scales_are_below_one,)),
            *(Typed((dtype,), () if dtype == "bool" else ("bool",)) for dtype in types),
        ),
    )


def joining(kind: str, relation: str) -> Operator:
    """The operator of that name."""

    def lower(use: Use) -> Compare:
        """micro/kernels/logical.cc."""
        return Compare(*broadcast(use.input(0).shape, use.input(1).shape), relation, "bool")

    def sample(random: Random) -> Sample:
        return random_pair(random, kind, max)

    return Operator(
        kind=kind,
        arity=Arity(2, 2, data=(0, 2)),
        rules=(shapes_broadcast,),
        lower=lower,
        sample=sample,
        types=(Typed(("bool",)),),
    )
