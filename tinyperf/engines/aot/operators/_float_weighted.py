"""CONV_2D, FULLY_CONNECTED and DEPTHWISE_CONV_2D of float32. Products are summed one after the other, as TFLM does."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._float import clamped, limits, single
from tinyperf.engines.aot.operators._window import Window, window, windows

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._float import Float, Limits


@dataclass(frozen=True, eq=False)
class WeightedFloat(Work):
    """`weights` in an order of the work's own; `bias` [out_c] is added to the sum of the products."""

    window: Window
    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    clamp: Limits

    @property
    def signature(self) -> Signature:
        ends = self.window.in_shape, self.window.out_shape
        given, made = (Operand(shape, "float32") for shape in ends)
        return Signature((given,), (made,))

    @abstractmethod
    def products(self, seen: Float, tap: int, channel: int) -> Float:
        """What one tap adds to the sums [n, out_h, out_w, out_c].

        Args: seen: [n, out_h, out_w, taps, in_c]; channel: of those that each output channel reads.
        """

    @property
    @abstractmethod
    def depth(self) -> int:
        """How many input channels each output channel reads."""

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        image = single(inputs[0])
        kernel = self.window.kernel[0] * self.window.kernel[1]
        seen, inside = (
            windows(given, self.window, 0).reshape(len(given), *self.window.out_shape[:2], kernel, -1)
            for given in (image, np.ones_like(image[:1, ..., :1]))
        )
        sums = np.zeros((len(image), *self.window.out_shape), np.float32)
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            for tap in range(kernel):
                for channel in range(self.depth):
                    sums += np.where(inside[..., tap, :] > 0, self.products(seen, tap, channel), np.float32(0))
            return (clamped(sums + self.bias, self.clamp),)


@dataclass(frozen=True, eq=False)
class ConvFloat(WeightedFloat):
    """`weights` [out_c, kernel_h, kernel_w, in_c / groups]."""

    @property
    def depth(self) -> int:
        return int(self.weights.shape[3])

    @property
    def groups(self) -> int:
        return self.window.in_shape[2] // self.depth

    def products(self, seen: Float, tap: int, channel: int) -> Float:
        read = np.repeat(seen[..., tap, channel :: self.depth], len(self.weights) // self.groups, axis=-1)
        return single(read * self.weights.reshape(len(self.weights), -1, self.depth)[:, tap, channel])


@dataclass(frozen=True, eq=False)
class DepthwiseFloat(WeightedFloat):
    """`weights` [kernel_h, kernel_w, out_c]; out_c = in_c * depth_multiplier."""

    depth_multiplier: int

    @property
    def depth(self) -> int:
        return 1

    def products(self, seen: Float, tap: int, channel: int) -> Float:  # noqa: ARG002  (there is one)
        read = np.repeat(seen[..., tap, :], self.depth_multiplier, axis=-1)
        return single(read * self.weights.reshape(-1, self.weights.shape[2])[tap])


def weights_are_constant_floats(use: Use) -> str | None:
    """Weights are constant float32: neither int8 (hybrid models) nor float16, for which TFLM has no kernel."""
    weights = use.input(1)
    if weights.data is None:
        return f"weight tensor {weights.index} is computed"
    return None if weights.dtype == "float32" else f"weights are {weights.dtype}"


def bias_is_constant_floats(use: Use) -> str | None:
    """The bias is absent, or constant float32, one per output channel."""
    bias = use.optional(2)
    if bias is None:
        return None
    if bias.data is None or bias.dtype != "float32":
        return f"bias tensor {bias.index} is {bias.dtype if bias.data is not None else 'computed'}"
    count = use.output.shape[-1] if use.output.shape else 1
    return None if bias.elements == count else f"{bias.elements} biases for {count} channels"


FLOATS = (weights_are_constant_floats, bias_is_constant_floats)


def bias_of(use: Use) -> Float:
    """One number per output channel; 0 where there is none."""
    bias, count = use.optional(2), use.output.shape[-1]
    return np.zeros(count, np.float32) if bias is None else single(np.asarray(bias.data)).ravel()


def conv(use: Use) -> ConvFloat:
    return ConvFloat(window(use), single(np.asarray(use.input(1).data)), bias_of(use), limits(use))


def rows(use: Use) -> ConvFloat:
    """FULLY_CONNECTED as a 1x1 convolution."""
    outputs, inputs = use.input(1).shape
    count = use.input(0).elements // inputs
    square = Window((count, 1, inputs), (count, 1, outputs), (1, 1), (1, 1), (1, 1), (0, 0))
    weights = single(np.asarray(use.input(1).data)).reshape(outputs, 1, 1, inputs)
    return ConvFloat(square, weights, bias_of(use), limits(use))


def depthwise(use: Use) -> DepthwiseFloat:
    weights = single(np.asarray(use.input(1).data))[0]
    return DepthwiseFloat(window(use), weights, bias_of(use), limits(use), use.number("depth_multiplier"))
