"""Inputs and outputs of a model as reports show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinyperf.tflite import Model, Tensor


@dataclass(frozen=True)
class End:
    """An input or output. real = scale * (q - zero_point); one entry per channel, none where it is not quantized.

    scale: the shortest decimals that are the file's float32.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]


def ends_of(model: Model) -> tuple[tuple[End, ...], tuple[End, ...]]:
    """Inputs and outputs."""
    return tuple(map(_end, model.input_tensors)), tuple(map(_end, model.output_tensors))


def _end(tensor: Tensor) -> End:
    quantization = tensor.quantization
    scale = tuple(float(str(np.float32(each))) for each in quantization.scale) if quantization else ()
    zero_point = quantization.zero_point if quantization else ()
    return End(tensor.index, tensor.name, tensor.shape, tensor.dtype, scale, zero_point)
