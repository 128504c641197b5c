"""Sigmoid and tanh of 16 bits: TFLM's table, interpolated.

Source: reference/integer_ops/logistic.h and tanh.h, `sigmoid_table_uint16` of kernels/internal/common.h.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import int32

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.arithmetic import Wide

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
