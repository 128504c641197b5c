"""What the kernels of int16 by int8 weights share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.kernels import Array
from tinyperf.engines.aot.kernels._c_layers import weights_array

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators._weighted_int16 import WeightedInt16


def parameters(
    work: WeightedInt16, prefix: str, weights: npt.NDArray[np.int8] | None = None
) -> tuple[tuple[Array, ...], tuple[str | int, ...]]:
    """Weights, biases and factors, and the arguments from the weights on to the clamp.

    Args: weights: those of the work, packed; None: as they are.
    """
    packed = work.weights if weights is None else weights
    right = np.where(work.multiplier == 0, 0, -work.shift)
    factors = np.stack([work.multiplier, right], axis=1).astype(np.int32)
    arrays = (
        weights_array(prefix, packed, f"Weights{', in the order of the file' if weights is None else ', packed'}."),
        Array(f"{prefix}_bias", "int64_t", work.bias, "Bias of each output channel."),
        Array(f"{prefix}_factors", "struct tp_rescaling", factors, "Multiplier and right shift of each."),
    )
    flags = ("true" if flag else "false" for flag in (work.narrow, work.wide))
    return arrays, (*(array.name for array in arrays), *flags, *work.clamp)
