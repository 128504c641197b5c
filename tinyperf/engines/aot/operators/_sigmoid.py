"""Sigmoid and tanh of 16 bits: TFLM's table, interpolated.

Source: reference/integer_ops/logistic.h and tanh.h, `sigmoid_table_uint16` of kernels/internal/common.h.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import int32
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._scales import scale

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tinyperf.engines.aot.arithmetic import Wide
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample

# fmt: off
_ONE_MORE = (
    4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46, 49,
    50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255,
)
# fmt: on
"""Where TFLM's table holds one more than the nearest number."""


@cache
def table() -> npt.NDArray[np.uint16]:
    """sigmoid(i / 24) x 65536, uint16 [256]."""
    exact = 65536 / (1 + np.exp(-np.arange(256) / 24))
    made = np.minimum(np.floor(exact + 0.5), 65535).astype(np.uint16)
    made[list(_ONE_MORE)] += 1
    return made


def _interpolated(distance: Wide, bits: int, beyond: int) -> Wide:
    """The table at `distance` / 2**bits, times 2**bits; `beyond` where it ends."""
    values, step = table().astype(np.int64), distance >> bits
    at = np.minimum(step, 254)
    inside = (values[at] << bits) + (distance & ((1 << bits) - 1)) * (values[at + 1] - values[at])
    return np.where(step >= 255, beyond, inside)


def _scaled(x: Wide, multiplier: int, right: int) -> Wide:
    return int32(x * multiplier + ((1 << right) >> 1)) >> right


def sigmoid(x: Wide, multiplier: int = 3, right: int = 0) -> Wide:
    """Of x * `multiplier` / 2**`right` in steps of 1 / (3 * 4096), times 32768."""
    given = _scaled(x, multiplier, right)
    made = _interpolated(np.abs(given), 9, 0x7FFF << 10)
    return np.where(given >= 0, made + (1 << 9), (1 << 25) - made + (1 << 9) - 1) >> 10


def tanh(x: Wide, multiplier: int = 3, right: int = 0) -> Wide:
    """As `sigmoid`."""
    given = _scaled(x, multiplier, right)
    made = _interpolated(np.abs(given), 8, 0xFFFF << 8)
    return np.where(given >= 0, made - (1 << 23) + (1 << 7), (1 << 23) - made + (1 << 7) - 1) >> 8


@dataclass(frozen=True)
class Sigmoid(Work):
    """LOGISTIC of int16, or TANH. `multiplier` and `right` bring codes to steps of 1 / (3 * 4096)."""

    elements: int
    multiplier: int
    right: int
    hyperbolic: bool

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,), "int16"),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        function = tanh if self.hyperbolic else sigmoid
        return (function(inputs[0].astype(np.int64), self.multiplier, self.right).astype(np.int16),)


def _log2(number: float) -> tuple[int, bool]:
    """The nearest power of two, and whether that is it (within a thousandth)."""
    exact = math.log2(number)
    nearest = math.floor(exact + 0.5)
    return nearest, abs(exact - nearest) < 1e-3


def steps_are_32768ths(use: Use) -> str | None:
    """The output scale is 1/32768, and the input scale at most 32767/12288."""
    if _log2(scale(use.output)) != (-15, True):
        return f"the output has {use.output.quantization}"
    return None if scale(use.input(0)) * 3 * 4096 <= 32767 else f"the input has {use.input(0).quantization}"


def of_int16(*, hyperbolic: bool) -> Callable[[Use], Work]:
    """What lowers LOGISTIC, or TANH, of int16. micro/kernels/logistic_common.cc, tanh.cc."""

    def lower(use: Use) -> Sigmoid:
        power, exact = _log2(scale(use.input(0)))
        if exact and power + 12 in ({0, 1} if hyperbolic else {0}):
            return Sigmoid(use.output.elements, 3 << (power + 12), 0, hyperbolic)
        multiplier, right = scale(use.input(0)) * 4096 * 3, 0
        while multiplier <= 32767 / 2 and right <= 30:
            multiplier, right = multiplier * 2, right + 1
        return Sigmoid(use.output.elements, int(multiplier), right, hyperbolic)

    return lower


def random_of_int16(kind: str) -> Callable[[Random], Sample]:
    """Draws one of that name."""

    def sample(random: Random) -> Sample:
        shape = (1, random.integer(1, 40))
        given = random.pick(2.0**-12, 2.0**-11, 2.0**-13, random.scale(-6, 0), random.scale(-4, -3))
        return random.use(kind, (random.tensor(shape, given), random.tensor(shape, 2.0**-15)), (0,))

    return sample
