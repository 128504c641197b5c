"""Works that sum products with constant weights: convolutions and matrix products."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._scales import scale
from tinyperf.engines.aot.operators._window import windows

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds, Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._scales import Pair
    from tinyperf.engines.aot.operators._window import Window


@dataclass(frozen=True, eq=False)
class Channels:
    """Per output channel: bias (with the input zero point still to be subtracted), multiplier, shift; int32 arrays.

    `shift` is TFLM's: positive shifts left.
    """

    bias: npt.NDArray[np.int32]
    multiplier: npt.NDArray[np.int32]
    shift: npt.NDArray[np.int32]

    def right_only(self, bounds: Bounds) -> bool:
        """Every channel shifts right by at least 1 and its doubled accumulator fits 32 bits, or is flushed to 0.

        That allows the short requantization of tp_kernels.h.
        """
        small = np.maximum(-bounds.low, bounds.high) < 2**30
        return bool(np.all((self.multiplier == 0) | ((self.shift <= -1) & small)))


@dataclass(frozen=True, eq=False)
class Weighted(Work):
    """`weights` int8, in an order of the work's own; one entry of `channels` per output channel."""

    window: Window
    weights: npt.NDArray[np.int8]
    channels: Channels
    in_zero: int
    out_zero: int
    clamp: Pair

    @property
    @abstractmethod
    def rows(self) -> npt.NDArray[np.int8]:
        """The weights as [output channel, taps]."""

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.window.in_shape),), (Operand(self.window.out_shape),))

    @abstractmethod
    def sums(self, windows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sums of products [n, height, width, output channel], exact: they stay far below 2**53.

        Args: windows: [n, height, width, kernel_h, kernel_w, input channel], without the zero point.
        """

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        (image,) = inputs
        moved = image.astype(np.float64) - self.in_zero
        given = self.channels
        accumulators = self.sums(windows(moved, self.window, 0)).astype(np.int64) + given.bias
        shift = given.shift.astype(np.int64)
        made = requantized(accumulators, given.multiplier.astype(np.int64), shift) + self.out_zero
        return (codes(made, *self.clamp),)


def weights_are_constant_int8(use: Use) -> str | None:
    """Weights are constant int8, stored in the model (no int4, no sparse or shuffled format)."""
    weights = use.input(1)
    if weights.data is None:
        return f"weight tensor {weights.index} is computed"
    if use.op.options.get("weights_format"):
        return "shuffled weights"
    return None if weights.dtype == "int8" else f"weights are {weights.dtype}"


def weights_are_constant(use: Use) -> str | None:
    """Weights are constant int8 or int4, stored in the model (no sparse or shuffled format); int4 are kept as int8."""
    weights = use.input(1)
    if weights.dtype != "int4" or weights.data is None:
        return weights_are_constant_int8(use)
    if use.op.options.get("weights_format"):
        return "shuffled weights"
    return None if weights.data.size * 2 >= weights.elements else f"{weights.data.size} bytes for {list(weights.shape)}"


def weights_are_symmetric(use: Use) -> str | None:
    """Weights have a scale, and zero points of 0 (int8 specification: weights are symmetric)."""
    quantization = use.input(1).quantization
    if quantization is None:
        return "weights have no scale"
    return f"zero points {quantization.zero_point[:4]}" if any(quantization.zero_point) else None


def scales_per_output_channel(use: Use) -> str | None:
    """Weights have one scale, or one per output channel along a dimension of that many."""
    weights = use.input(1)
    output_channels = use.output.shape[-1] if use.output.shape else 1
    quantization = weights.quantization
    if quantization is None or not quantization.per_channel:
        return None
    count, axis = len(quantization.scale), quantization.axis
    along = weights.shape[axis] if 0 <= axis < len(weights.shape) else 0
    if count == output_channels == along:
        return None
    return f"{count} scales along axis {axis} of {list(weights.shape)} for {output_channels} output channels"


def bias_is_constant_int32(use: Use) -> str | None:
    """The bias is absent, or constant int32, one per output channel."""
    bias = use.optional(2)
    if bias is None:
        return None
    if bias.data is None or bias.dtype != "int32":
        return f"bias tensor {bias.index} is {bias.dtype if bias.data is not None else 'computed'}"
    count = use.output.shape[-1] if use.output.shape else 1
    return None if bias.elements == count else f"{bias.elements} biases for {count} channels"


SHORT = (weights_are_constant, weights_are_symmetric, scales_per_output_channel, bias_is_constant_int32)
"""Of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: weights may have four bits."""

WEIGHTED = (weights_are_constant_int8, weights_are_symmetric, scales_per_output_channel, bias_is_constant_int32)


def ratios(use: Use) -> list[float]:
    """lite/kernels/kernel_util.cc `PopulateConvolutionQuantizationParams` and `GetQuantizedConvolutionMultipler`.

    In double, from left to right. TFLM of 2023 (90b983c) forms the product of FULLY_CONNECTED's scales in float32,
    with and without a bias; the version matched here does not.
    """
    quantization = use.input(1).quantization
    scales = quantization.scale if quantization else ()
    return [scale(use.input(0)) * s / scale(use.output) for s in scales]


def channels(use: Use, count: int, scale_ratios: list[float]) -> Channels:
    """`scale_ratios`: one, or one per output channel."""
    bias_tensor = use.optional(2)
    bias = np.zeros(count, np.int32)
    if bias_tensor is not None and bias_tensor.data is not None:
        bias = bias_tensor.data.ravel().astype(np.int32)
    pairs = [quantize_multiplier(r) for r in (scale_ratios if len(scale_ratios) == count else scale_ratios * count)]
    return Channels(bias, np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int32))


def macs(use: Use) -> int:
    """Outputs times taps; positions that padding adds are counted, as every published figure does."""
    return use.output.elements * math.prod(use.input(1).shape[1:])
