"""Pass 1: the range of every accumulator, proven per channel from the actual weights.

What a kernel may assume (that a doubled accumulator fits 32 bits, for one) is licensed by these bounds, never by habit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW, requantize

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


def constant_channel(
    ends: tuple[int, int], multiplier: int, shift: int, *, out_zero: int, clamp: tuple[int, int]
) -> tuple[int, int, int] | None:
    """Bias, multiplier and shift that give the same output with small numbers, where the output is a constant.

    Args: ends: lowest and highest accumulator.

    Quantizers leave dead channels with biases near 2**30. Requantization is monotonic, so a channel whose two ends
    give one code gives it for every input. None where it does not, or where its weights would still count.
    """
    codes = {min(max(requantize(end, multiplier, shift) + out_zero, clamp[0]), clamp[1]) for end in ends}
    if len(codes) > 1:
        return None
    code = codes.pop()
    if code == min(max(out_zero, clamp[0]), clamp[1]):
        return 0, 0, 0
    return (4 * (code - out_zero), 2**30, -1) if ends[0] == ends[1] else None
