"""Functions of two float32, element by element, with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature
from tinyperf.engines.aot.operators._broadcast import Broadcast, broadcast
from tinyperf.engines.aot.operators._float import ANYTHING, clamped, limits, single

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.engines.aot.graph import Data, Work
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._float import Float, Limits


def maximum(a: Float, b: Float) -> Float:
    return single(np.where(a > b, a, b))


def minimum(a: Float, b: Float) -> Float:
    return single(np.where(a < b, a, b))


def prelu(x: Float, alpha: Float) -> Float:
    return single(np.where(x >= 0, x, x * alpha))


def squared_difference(a: Float, b: Float) -> Float:
    return single(np.square(a - b))


def floor_div(a: Float, b: Float) -> Float:
    """The quotient is a double, as TFLM's."""
    return single(np.floor(a.astype(np.float64) / b))


def floor_mod(a: Float, b: Float) -> Float:
    """What is left has the sign of `b`."""
    rest = np.fmod(a, b)
    return single(np.where((rest != 0) & ((b < 0) != (rest < 0)), rest + b, rest))


FUNCTIONS: Mapping[str, Callable[[Float, Float], Float]] = {
    "add": np.add,
    "div": np.divide,
    "floor_div": floor_div,
    "floor_mod": floor_mod,
    "maximum": maximum,
    "minimum": minimum,
    "mul": np.multiply,
    "prelu": prelu,
    "squared_difference": squared_difference,
    "sub": np.subtract,
}
"""By the names that tp_pair_f32.h has: tp_NAME_f32."""


@dataclass(frozen=True)
class PairFloat(Broadcast):
    """One of FUNCTIONS; what it gives is clamped."""

    function: str
    clamp: Limits

    @property
    def signature(self) -> Signature:
        codes = super().signature
        first, second, made = (Operand(one.shape, "float32") for one in (*codes.inputs, *codes.outputs))
        return Signature((first, second), (made,))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        a, b = (single(side) for side in inputs)
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            made = clamped(FUNCTIONS[self.function](a, b), self.clamp)
        return (np.broadcast_to(made, (len(a), *self.shape)),)


def paired(function: str, *, activation: bool = False) -> Callable[[Use], Work]:
    """What lowers an operator that computes this function, with or without a fused activation."""

    def lower(use: Use) -> PairFloat:
        shapes = broadcast(use.input(0).shape, use.input(1).shape)
        return PairFloat(*shapes, function, limits(use) if activation else ANYTHING)

    return lower
