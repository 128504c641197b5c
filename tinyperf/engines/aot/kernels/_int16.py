"""What the kernels of int16 by int8 weights share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.kernels import Array
from tinyperf.engines.aot.kernels._c_layers import weights_array

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators._weighted_int16 import WeightedInt16


def parameters(work: WeightedInt16, prefix: str) -> tuple[tuple[Array, ...], tuple[str | int, ...]]:
    """Weights, biases and factors, and the arguments from the weights on to the clamp."""
    right = np.where(work.multiplier == 0, 0, -work.shift)
    factors = np.stack([work.multiplier, right], axis=1).astype(np.int32)
    arrays = (
        weights_array(prefix, work.weights, "Weights, in the order of the file."),
        Array(f"{prefix}_bias", "int64_t", work.bias, "Bias of each output channel."),
        Array(f"{prefix}_factors", "struct tp_rescaling", factors, "Multiplier and right shift of each."),
    )
    flags = ("true" if flag else "false" for flag in (work.narrow, work.wide))
    return arrays, (*(array.name for array in arrays), *flags, *work.clamp)


LEAST_SHIFT, MOST_SHIFT = 1, 17
"""Of a sum of 64 bits that fits 32: then the multiplier of its upper word has at most 31 bits, and is whole."""


def short_lacks(work: WeightedInt16) -> str | None:
    """What the codes of tp_int16_dsp.h need of a work; None where it has it."""
    largest = (np.abs(work.rows.astype(np.int64)).sum(axis=1) << 15) + np.abs(work.bias)
    right, live = -work.shift, work.multiplier != 0
    if not work.wide:
        fits, low, high = largest < 2**30, 1, 31
    else:
        fits, low, high = largest < 2**31, LEAST_SHIFT, MOST_SHIFT
    if bool(np.all(fits & (~live | ((right >= low) & (right <= high))))):
        return None
    return f"sums below 2^{31 if work.wide else 30} and right shifts of {low} to {high}, proven from the weights"


def short_channels(work: WeightedInt16, prefix: str, fillers: int = 0) -> Array:
    """`struct tp_channel` of a work that lacks nothing, and of `fillers` more."""
    live = work.multiplier != 0
    right = np.where(live, -work.shift, 1)
    multiplier = work.multiplier
    if work.wide:
        reduced = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
        multiplier = np.where(live, reduced << (MOST_SHIFT - right), 0)
    rows = np.pad(np.stack([work.bias, multiplier, right], axis=1), ((0, fillers), (0, 0)), mode="edge")
    comment = "Bias, multiplier and right shift of each output channel."
    return Array(f"{prefix}_channels", "struct tp_channel", rows.astype(np.int32), comment)


def switches(work: WeightedInt16) -> tuple[str | int, ...]:
    """Arguments: whether sums have 64 bits, and the clamp."""
    return ("true" if work.wide else "false", *work.clamp)
