"""Operators on one code at a time: there are 256, so the compiler computes them all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.arithmetic import Wide
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use

EVERY_CODE = np.arange(INT8_LOW, INT8_HIGH + 1)


@dataclass(frozen=True, eq=False)
class Lookup(Work):
    """`table` int8 [256]: the output of every code, from the lowest to the highest."""

    elements: int
    table: npt.NDArray[np.int8]

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,)),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return (self.table[inputs[0].astype(np.int64) - INT8_LOW],)


def rounded(made: npt.NDArray[np.float32], zero_point: int) -> npt.NDArray[np.int8]:
    """Numbers as codes: halves away from zero, then the zero point added in float32, as TFLM's tables are made."""
    nearest = np.copysign(np.floor(np.abs(made) + np.float32(0.5)), made)
    return np.clip(nearest + np.float32(zero_point), INT8_LOW, INT8_HIGH).astype(np.int8)


@dataclass(frozen=True, eq=False)
class ChannelLookup(Work):
    """`table` int8 [channels, 256]: the output of every code of each channel; `rows` times all channels in turn."""

    rows: int
    table: npt.NDArray[np.int8]

    @property
    def signature(self) -> Signature:
        row = (Operand((self.rows, len(self.table))),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return (self.table[np.arange(len(self.table)), inputs[0].astype(np.int64) - INT8_LOW],)


INTEGER_BITS = 4  # of the input of sigmoids in fixed point


def input_is_coarse(use: Use) -> str | None:
    """The input scale is at least 2**-27."""
    given = scale(use.input(0))
    return None if given * 2 ** (31 - INTEGER_BITS) >= 1 else f"input scale {given:g}"


def fixed_point(use: Use) -> tuple[Wide, Wide]:
    """Every code in Q4.27, and whether it is beyond that range: -1 below, 1 above, else 0.

    Source: micro/kernels/logistic_common.cc, tanh.cc and `CalculateInputRadius` of quantization_util.cc.
    """
    fraction, left_shift = math.frexp(scale(use.input(0)) * 2 ** (31 - INTEGER_BITS))
    radius = math.floor((2**INTEGER_BITS - 1) * 2 ** (31 - INTEGER_BITS) / 2**left_shift)
    given = EVERY_CODE - zero(use.input(0))
    inside = np.clip(given, -radius, radius)
    beyond = np.where(given <= -radius, -1, np.where(given >= radius, 1, 0))
    return requantized(inside, math.floor(fraction * 2**31 + 0.5), min(left_shift, 31)), beyond
