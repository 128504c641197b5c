"""Random uses of operators, for the test that compares random graphs with TFLM."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range
from tinyperf.engines.aot.graph import QUANTIZED
from tinyperf.tflite import Quantization, Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from tinyperf.tflite import Option

T = TypeVar("T")
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")
Scales = float | tuple[float, ...]


@dataclass(frozen=True)
class Sample:
    """One operator on tensors: the last `made` are its outputs, the last one the model's; those without data before
    them are the model's inputs.

    limits: lowest and highest number of such an input, by its position, where not every number will do.
    custom: the options of a custom operator.
    """

    kind: str
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    options: Mapping[str, Option]
    made: int = 1
    limits: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    custom: bytes = b""


class Random:
    """Choices from one seed; scales, codes and biases as models have them, the ends more often than chance would.

    given: the type of tensors that are drawn where no other is asked for; made: that of outputs.
    """

    def __init__(self, seed: int, given: str = "int8", made: str = "") -> None:
        self.generator = np.random.default_rng(seed)
        self.given, self.made = given, made or given

    def integer(self, low: int, high: int) -> int:
        return int(self.generator.integers(low, high + 1))

    def pick(self, *choices: T) -> T:
        return choices[self.integer(0, len(choices) - 1)]

    def zero(self, dtype: str = "") -> int:
        dtype = dtype or self.given
        if dtype not in {"int8", "uint8"}:
            return 0
        low, high = code_range(dtype)
        return self.pick(low, 0, high, self.integer(low, high))

    def scale(self, low: float = -6.0, high: float = 0.0) -> float:
        """Log-uniform, a float32 as in every file."""
        return float(np.float32(10 ** self.generator.uniform(low, high)))

    def near(self, scale: float, decades: float) -> float:
        """`scale`, give or take that many powers of ten."""
        return float(np.float32(scale * 10 ** self.generator.uniform(-decades, decades)))

    def codes(self, *shape: int, dtype: str = "") -> npt.NDArray[Any]:
        """Numbers of a type, `given` where none is named; floats are about 1, now and then 0 or large."""
        dtype = dtype or self.given
        if dtype == "bool":
            return self.generator.random(shape) < 0.5
        if dtype == "float32":
            drawn = self.generator.normal(0, self.pick(1, 1, 10), shape)
            return np.where(self.generator.random(shape) < 0.1, 0, drawn).astype(np.float32)
        low, high = code_range(dtype)
        numbers = self.generator.integers(low, high, shape, dtype, endpoint=True)
        ends = self.generator.choice(np.array([low, high, 0], dtype), shape)
        return np.where(self.generator.random(shape) < 0.2, ends, numbers).astype(dtype)

    def weights(self, *shape: int) -> npt.NDArray[np.int8]:
        codes: npt.NDArray[np.int8] = self.codes(*shape, dtype="int8")
        return np.maximum(codes, np.int8(-127))

    def batch(self) -> int:
        """How many images."""
        return self.pick(1, 1, 1, 1, 2, 3)

    def activation(self) -> str:
        return self.pick(*ACTIVATIONS)

    def weight_scales(self, channels: int) -> Scales:
        """Per tensor or per channel; now and then one so small that the multiplier is flushed."""
        if self.pick(False, True):
            return self.scale(-4, -1)
        scales = [self.scale(-4, -1) for _ in range(channels)]
        if self.pick(False, True):
            scales[-1] = float(np.float32(1e-12))
        return tuple(scales)

    def output_scale(self, given: float, weights: Scales, taps: int) -> float:
        """Such that outputs spread over the codes, give or take a factor of 30."""
        spread = self.near(given * float(np.median(weights)) * math.sqrt(taps) * 60, 1.5)
        return max(spread, float(np.float32(1e-8)))  # below that TFLM refuses some activations

    def bias(self, channels: int, taps: int) -> npt.NDArray[np.int32]:
        """As large as the sums of int8; now and then as large as a dead channel's."""
        bias = self.generator.integers(-4000 * taps, 4000 * taps + 1, channels).astype(np.int32)
        if self.pick(False, False, True):
            bias[0] = self.pick(2**30, -(2**30), 2**30 - 1)
        return bias

    def tensor(self, shape: tuple[int, ...], scale: float, zero: int | None = None, *, dtype: str = "") -> Tensor:
        """An activation, of type `given` where no other is named; of types that are no codes, the scale is nothing."""
        dtype = dtype or self.given
        if dtype not in QUANTIZED:
            return Tensor(0, "", shape, dtype, None)
        return Tensor(0, "", shape, dtype, Quantization((scale,), (self.zero(dtype) if zero is None else zero,)))

    def like(self, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        """An activation of that tensor's scale and zero point."""
        return Tensor(0, "", shape, tensor.dtype, tensor.quantization)

    def constant(
        self,
        data: npt.NDArray[np.generic],
        scales: Scales | None = None,
        zero: int = 0,
        *,
        axis: int = 0,
        like: Tensor | None = None,
    ) -> Tensor:
        """`like`: the tensor whose scale and zero point it has."""
        quantization = None if like is None else like.quantization
        if scales is not None and (data.dtype in (np.int32, np.int64) or data.dtype.name in QUANTIZED):
            each = scales if isinstance(scales, tuple) else (scales,)
            quantization = Quantization(each, (zero,) * len(each), axis)
        return Tensor(0, "", data.shape, str(data.dtype), quantization, data)

    def use(
        self,
        kind: str,
        tensors: tuple[Tensor, ...],
        inputs: tuple[int, ...],
        options: Mapping[str, Option] | None = None,
        *,
        made: int = 1,
    ) -> Sample:
        return Sample(kind, tensors, inputs, options or {}, made)

    def weighted(
        self,
        kind: str,
        given: tuple[int, ...],
        weights: npt.NDArray[np.int8],
        made: tuple[int, ...],
        options: Mapping[str, Option],
        *,
        axis: int = 0,
    ) -> Sample:
        """A use with those weights, one scale or one per index of `axis`, with or without a bias."""
        channels = weights.shape[axis]
        taps = weights.size // channels
        scale, scales = self.scale(), self.weight_scales(channels)
        tensors = (
            self.tensor(given, scale),
            self.constant(weights, scales, axis=axis),
            # TFLM checks the bias's scale of FULLY_CONNECTED where the weights have one scale.
            self.constant(self.bias(channels, taps), _product(scale, scales)),
            self.tensor(made, self.output_scale(scale, scales, taps)),
        )
        if self.given == "int16":
            dtype = np.int64 if kind in {"DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"} else self.pick(np.int64, np.int32)
            bias = self.generator.integers(-(2**20) * taps, 2**20 * taps + 1, channels).astype(dtype)
            tensors = (*tensors[:2], self.constant(bias, _product(scale, scales)), tensors[3])
        if self.given == "float32":
            floats = self.constant(self.codes(*weights.shape)), self.constant(self.codes(channels))
            tensors = (tensors[0], *floats, tensors[3])
        short = self.given == "int8" and kind in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
        if short and isinstance(scales, float) and self.pick(True, False, False, False):
            wider = float(np.float32(scales * 16))
            tensors = (
                tensors[0],
                _short(weights, wider, axis),
                self.constant(self.bias(channels, taps) >> 4, _product(scale, wider)),
                tensors[3],
            )
        with_bias = self.pick((0, 1, 2), (0, 1, 2), (0, 1))
        return self.use(kind, tensors, with_bias, {**options, "fused_activation_function": self.activation()})

    def elementwise(self, kind: str) -> Sample:
        """One input and one output of the same shape, each with a scale of its own."""
        shape, scale = (1, self.integer(1, 40)), self.scale(-2, 0)
        return self.use(kind, (self.tensor(shape, scale), self.tensor(shape, self.near(scale, 1))), (0,))


def _short(weights: npt.NDArray[np.int8], scale: float, axis: int) -> Tensor:
    """The upper halves of weights, as int4."""
    halves = np.maximum(weights.ravel() >> 4, -7).astype(np.uint8) & 15
    halves = np.append(halves, np.zeros(len(halves) % 2, np.uint8))
    packed = (halves[::2] | halves[1::2] << 4).astype(np.uint8)
    return Tensor(0, "", weights.shape, "int4", Quantization((scale,), (0,), axis), packed)


def _product(scale: float, scales: Scales) -> float:
    return float(np.float32(scale * (scales if isinstance(scales, float) else scales[0])))


Size = tuple[int, int]


def window_sample(random: Random, kernel: Size, dilation: Size) -> tuple[Size, Size, dict[str, Option]]:
    """Sizes (height, width) of input and output for a window that fits, and its options."""
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (random.integer(r, r + 6) for r in reach)
    stride = random.integer(1, 3), random.integer(1, 3)
    same = random.pick(True, False)
    slack = (0, 0) if same else (reach[0] - 1, reach[1] - 1)
    made = -(-(height - slack[0]) // stride[0]), -(-(width - slack[1]) // stride[1])
    options: dict[str, Option] = {
        "padding": "SAME" if same else "VALID",
        "stride_h": stride[0],
        "stride_w": stride[1],
        "fused_activation_function": random.activation(),
    }
    return (height, width), made, options
