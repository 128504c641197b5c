"""Pass 1: the range of every accumulator, proven per channel from the actual weights.

What a kernel may assume (that a doubled accumulator fits 32 bits, for one) is licensed by these bounds, never by habit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW

if TYPE_CHECKING:
    import numpy.typing as npt


def accumulator(
    weights: npt.NDArray[np.int8], bias: npt.NDArray[np.int32], in_zero: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Lowest and highest value that bias + sum(w * (q - in_zero)) takes at any point of the sum.

    Args:    weights: int8 [channels, taps]; bias: int32 [channels]; in_zero: zero point of the input.
    Returns: two int64 [channels]; partial sums lie within them too, since 0 is among the possible inputs.
    """
    wide = weights.astype(np.int64)
    low_input, high_input = min(INT8_LOW - in_zero, 0), max(INT8_HIGH - in_zero, 0)
    positive, negative = np.maximum(wide, 0).sum(axis=1), np.minimum(wide, 0).sum(axis=1)
    low = bias + positive * low_input + negative * high_input
    high = bias + positive * high_input + negative * low_input
    return low, high
