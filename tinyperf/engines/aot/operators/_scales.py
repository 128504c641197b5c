"""What lowering reads off tensors: scales, zero points, clamps, constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import activation_range
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use
    from tinyperf.tflite import Tensor

Pair = tuple[int, int]
Shape3 = tuple[int, int, int]
Shape4 = tuple[int, int, int, int]


def scale(tensor: Tensor) -> float:
    if tensor.quantization is None:
        raise ModelError(f"tensor {tensor.index} has no scale", hint="convert the model to full int8")
    return tensor.quantization.scale[0]


def zero(tensor: Tensor) -> int:
    return tensor.quantization.zero_point[0] if tensor.quantization else 0


def clamp(use: Use) -> Pair:
    """Lowest and highest code of the output, by its fused activation."""
    activation, made = use.text("fused_activation_function"), use.output
    return activation_range(activation, scale(made), zero(made), made.dtype)


def int8(tensor: Tensor) -> npt.NDArray[np.int8]:
    if tensor.data is None:
        raise ModelError(f"tensor {tensor.index} is no constant", hint="convert the model again")
    return _unpacked(tensor) if tensor.dtype == "int4" else tensor.data.astype(np.int8)


def _unpacked(tensor: Tensor) -> npt.NDArray[np.int8]:
    """int4 as int8: two to a byte, the lower half first. TFLM's `UnpackDenseInt4IntoInt8`."""
    packed = np.asarray(tensor.data).ravel().view(np.int8)
    halves = np.stack([(packed << 4).astype(np.int8) >> 4, packed >> 4], axis=1)
    return halves.ravel()[: tensor.elements].reshape(tensor.shape).astype(np.int8)
