"""Functions of one float32, element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Typed, _float
from tinyperf.engines.aot.operators._float import clamped, single

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._float import Float
    from tinyperf.engines.aot.operators._sample import Random, Sample


def relu(x: Float) -> Float:
    return single(np.where(x < 0, 0, x))


def relu6(x: Float) -> Float:
    return single(np.where(x > 6, 6, relu(x)))


def elu(x: Float) -> Float:
    return single(np.where(x < 0, _float.expm1(x), x))


def hard_swish(x: Float) -> Float:
    return single(x * clamped(x + 3, (0, 6)) / 6)


def rsqrt(x: Float) -> Float:
    return single(1 / np.sqrt(x))


FUNCTIONS: Mapping[str, Callable[[Float], Float]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "cos": _float.cos,
    "elu": elu,
    "exp": _float.exp,
    "floor": np.floor,
    "hard_swish": hard_swish,
    "log": _float.log,
    "logistic": _float.logistic,
    "neg": np.negative,
    "relu": relu,
    "relu6": relu6,
    "round": _float.round_even,
    "rsqrt": rsqrt,
    "sin": _float.sin,
    "sqrt": np.sqrt,
    "square": np.square,
    "tanh": _float.tanh,
}
"""By the names that tp_float.h and tp_map_f32.h have: tp_NAME_f32."""


@dataclass(frozen=True)
class MapFloat(Work):
    """One of FUNCTIONS."""

    elements: int
    function: str

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,), "float32"),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            return (FUNCTIONS[self.function](single(inputs[0])),)


def mapped(function: str, *, ulps: int = 0) -> Typed:
    """The float32 line of an operator that computes this function."""

    def lower(use: Use) -> MapFloat:
        return MapFloat(use.output.elements, function)

    return Typed(("float32",), lower=lower, sample=elementwise(function.upper()), ulps=ulps)


def elementwise(kind: str) -> Callable[[Random], Sample]:
    """Draws one input and one output of the same shape."""

    def sample(random: Random) -> Sample:
        return random.elementwise(kind)

    return sample
