"""What the kernels with Helium instructions share: constants of four output channels side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.kernels import Array
from tinyperf.engines.aot.kernels._c_layers import folded_bias

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators._weighted import Weighted

CHANNELS, CODES = 4, 16
"""Output channels that are requantized at once, and codes that an instruction takes."""
POINTER_BYTES = 4


def fours_array(prefix: str, work: Weighted, order: npt.NDArray[np.intp]) -> Array:
    """int32 [fours, 4 fields, 4]: biases, multipliers, left shifts, right shifts as negative numbers (tp_mve.h).

    Args: order: the channels as the kernel takes them; those behind the last are never stored.
    """
    shift = np.where(work.channels.multiplier == 0, 0, work.channels.shift)
    fields = np.stack([folded_bias(work), work.channels.multiplier, np.maximum(shift, 0), np.minimum(shift, 0)])
    filled = np.pad(fields, ((0, 0), (0, order.max() + 1 - fields.shape[1])))[:, order]
    values = filled.reshape(4, -1, CHANNELS).swapaxes(0, 1).ravel().astype(np.int32)
    comment = "Of four channels each: biases, multipliers, left shifts, right shifts as negative numbers."
    return Array(f"{prefix}_fours", "int32_t", values, comment)
