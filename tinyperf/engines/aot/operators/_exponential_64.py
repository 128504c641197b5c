"""exp of doubles, in the steps of tp_detection.h: the same bits in numpy and on every core.

Within an ulp of the exact result: a float32 made of it is the one that any C library gives, but for one in 2^28.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Double = npt.NDArray[np.float64]

LIMIT = 700.0
"""Beyond it a float32 is infinite, or 0."""
LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""ln 2 in two parts: the first times a small whole number is exact (fdlibm)."""
TERMS = tuple(1 / math.factorial(n) for n in range(13, -1, -1))
"""Of the series, the last one first."""


def exp(x: Double) -> Double:
    """NaN counts as the lowest number."""
    held = np.where(x > -LIMIT, np.minimum(x, LIMIT), -LIMIT)
    k = np.floor(held * LOG2_E + 0.5)
    r = held - k * LN2_HIGH - k * LN2_LOW
    made = np.full_like(r, TERMS[0])
    for term in TERMS[1:]:
        made = made * r + term
    return np.asarray(np.ldexp(made, k.astype(np.int32)))
