"""CONV_2D, FULLY_CONNECTED and DEPTHWISE_CONV_2D of int16 by int8 weights."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, quantize_multiplier, requantized, requantized_wide
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._scales import clamp, int8
from tinyperf.engines.aot.operators._weighted import (
    ratios,
    scales_per_output_channel,
    weights_are_constant_int8,
    weights_are_symmetric,
)
from tinyperf.engines.aot.operators._window import Window, window, windows

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._scales import Pair

    Wide = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class WeightedInt16(Work):
    """`weights` int8, in an order of the work's own; bias, multiplier and shift per output channel, int64 arrays.

    wide: sums have 64 bits and are rescaled with 15 bits of the multiplier; else 32 bits, as for int8.
    """

    window: Window
    weights: npt.NDArray[np.int8]
    bias: Wide
    multiplier: Wide
    shift: Wide
    wide: bool
    clamp: Pair

    @property
    @abstractmethod
    def rows(self) -> npt.NDArray[np.int8]:
        """The weights as [output channel, taps]."""

    @abstractmethod
    def sums(self, windows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sums of products [n, height, width, output channel], exact: they stay far below 2**53.

        Args: windows: [n, height, width, kernel_h, kernel_w, input channel].
        """

    def seen(self, image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What `sums` takes."""
        return windows(image, self.window, 0)

    @property
    def narrow(self) -> bool:
        """No sum of products leaves 32 bits, whatever the input: proven from the weights."""
        largest = int(np.abs(self.rows.astype(np.int64)).sum(axis=1).max())
        return bool(largest < 2**16)

    @property
    def signature(self) -> Signature:
        ends = self.window.in_shape, self.window.out_shape
        given, made = (Operand(shape, "int16") for shape in ends)
        return Signature((given,), (made,))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        seen = self.seen(inputs[0].astype(np.float64))
        accumulators = self.sums(seen).astype(np.int64) + self.bias
        rescale = requantized_wide if self.wide else requantized
        return (codes(rescale(accumulators, self.multiplier, self.shift), *self.clamp, dtype="int16"),)


@dataclass(frozen=True, eq=False)
class ConvInt16(WeightedInt16):
    """`weights` [out, kernel_h, kernel_w, in / groups]."""

    @property
    def groups(self) -> int:
        return self.window.in_shape[2] // int(self.weights.shape[3])

    @property
    def rows(self) -> npt.NDArray[np.int8]:
        return self.weights.reshape(self.weights.shape[0], -1)

    def sums(self, windows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        _, height, width, given = self.weights.shape
        grouped = windows.reshape(*windows.shape[:5], self.groups, given)
        weights = self.weights.reshape(self.groups, -1, height, width, given).astype(np.float64)
        made: npt.NDArray[np.float64] = np.einsum("nyxklgc,gmklc->nyxgm", grouped, weights)
        return made.reshape(*windows.shape[:3], -1)


@dataclass(frozen=True, eq=False)
class DepthwiseInt16(WeightedInt16):
    """`weights` [kernel_h, kernel_w, out]; out = in * depth_multiplier."""

    @property
    def depth_multiplier(self) -> int:
        return self.window.out_shape[2] // self.window.in_shape[2]

    @property
    def rows(self) -> npt.NDArray[np.int8]:
        return self.weights.reshape(-1, self.weights.shape[2]).T

    def sums(self, windows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        *kernel, given = windows.shape[3:]
        weights = self.weights.reshape(*kernel, given, self.depth_multiplier).astype(np.float64)
        made: npt.NDArray[np.float64] = np.einsum("nyxklc,klcm->nyxcm", windows, weights)
        return made.reshape(*windows.shape[:3], -1)


def _biased(use: Use, dtypes: set[str]) -> str | None:
    bias = use.optional(2)
    if bias is None:
        return None
    if bias.data is None or bias.dtype not in dtypes:
        return f"bias tensor {bias.index} is {bias.dtype if bias.data is not None else 'computed'}"
    if np.abs(bias.data.astype(np.float64)).max(initial=0) >= 2**46:
        return f"bias tensor {bias.index} has entries of 2**46 and more"
    count = use.output.shape[-1] if use.output.shape else 1
    return None if bias.elements == count else f"{bias.elements} biases for {count} channels"


def bias_is_constant(use: Use) -> str | None:
    """The bias is absent, or constant int64 (below 2**46) or int32, one per output channel."""
    return _biased(use, {"int64", "int32"})


def bias_is_constant_int64(use: Use) -> str | None:
    """The bias is absent, or constant int64 (below 2**46), one per output channel."""
    return _biased(use, {"int64"})


def sums_are_scaled_down(use: Use) -> str | None:
    """Input scale x weight scale is below 2**7 output scales."""
    return None if max(ratios(use)) < 2**7 else f"ratio {max(ratios(use)):g}"


INT32 = 2  # TensorType of the schema, as options hold it
INT16 = (weights_are_constant_int8, weights_are_symmetric, scales_per_output_channel, sums_are_scaled_down)


def sums_in_32_bits(use: Use) -> bool:
    """As the bias is: int32, or absent with `quantized_bias_type` INT32, which TFLM heeds in these two operators."""
    tensor = use.optional(2)
    if tensor is not None:
        return tensor.dtype == "int32"
    return use.op.kind in {"CONV_2D", "FULLY_CONNECTED"} and use.op.options.get("quantized_bias_type") == INT32


def wide_channels(use: Use, count: int) -> tuple[Wide, Wide, Wide, bool]:
    """Bias, multiplier and shift of every output channel, and whether sums have 64 bits."""
    tensor, pairs = use.optional(2), [quantize_multiplier(ratio) for ratio in ratios(use)]
    data = None if tensor is None else tensor.data
    bias = np.zeros(count, np.int64) if data is None else data.ravel().astype(np.int64)
    factors = np.array(pairs if len(pairs) == count else pairs * count, np.int64).reshape(count, 2)
    return bias, factors[:, 0], factors[:, 1], not sums_in_32_bits(use)


def conv(use: Use) -> ConvInt16:
    weights = int8(use.input(1))
    return ConvInt16(window(use), weights, *wide_channels(use, len(weights)), clamp(use))


def depthwise(use: Use) -> DepthwiseInt16:
    weights = int8(use.input(1))[0]
    return DepthwiseInt16(window(use), weights, *wide_channels(use, weights.shape[2]), clamp(use))


def rows(use: Use) -> ConvInt16:
    """FULLY_CONNECTED: a 1x1 convolution over rows."""
    weights = int8(use.input(1))
    outputs, inputs = weights.shape
    count = use.input(0).elements // inputs
    over = Window((count, 1, inputs), (count, 1, outputs), (1, 1), (1, 1), (1, 1), (0, 0))
    return ConvInt16(over, weights.reshape(outputs, 1, 1, inputs), *wide_channels(use, outputs), clamp(use))
