"""TRANSPOSE_CONV: every input pixel adds a window of weights to the output."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float import limits, single
from tinyperf.engines.aot.operators._float_transpose_conv import TransposeConvFloat
from tinyperf.engines.aot.operators._float_weighted import FLOATS
from tinyperf.engines.aot.operators._rules import activation_is_known
from tinyperf.engines.aot.operators._scales import clamp, int8, zero
from tinyperf.engines.aot.operators._weighted import WEIGHTED, Channels, channels, ratios
from tinyperf.engines.aot.operators._weighted_int16 import (
    INT16,
    WeightedInt16,
    bias_is_constant_int64,
    wide_channels,
)
from tinyperf.engines.aot.operators._window import Window, images_have_four_dimensions, stride_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Rule, Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair


@dataclass(frozen=True, eq=False)
class TransposeConv(Work):
    """`weights` int8 [out, kernel_h, kernel_w, in]; the `window` slides over the output, a stride per input pixel."""

    window: Window
    weights: npt.NDArray[np.int8]
    channels: Channels
    in_zero: int
    out_zero: int
    clamp: Pair

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.window.in_shape),), (Operand(self.window.out_shape),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        image = inputs[0].astype(np.float64) - self.in_zero
        sums = _scattered(image, self.window, self.weights).astype(np.int64) + self.channels.bias
        made = requantized(sums, self.channels.multiplier.astype(np.int64), self.channels.shift.astype(np.int64))
        return (codes(made + self.out_zero, *self.clamp),)


@dataclass(frozen=True, eq=False)
class TransposeConvInt16(WeightedInt16):
    """The same of int16."""

    @property
    def rows(self) -> npt.NDArray[np.int8]:
        return self.weights.reshape(self.weights.shape[0], -1)

    def sums(self, windows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Args: windows: the image [n, height, width, input channel]."""
        return _scattered(windows, self.window, self.weights)

    def seen(self, image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return image


def _scattered(
    image: npt.NDArray[np.float64], window: Window, weights: npt.NDArray[np.int8]
) -> npt.NDArray[np.float64]:
    """Sums of products [n, out_h, out_w, out_c]."""
    (height, width, _), (kernel_h, kernel_w), (step_h, step_w) = window.in_shape, window.kernel, window.stride
    wide = (height - 1) * step_h + kernel_h, (width - 1) * step_w + kernel_w
    reach = [max(n, size + pad) for n, size, pad in zip(wide, window.out_shape[:2], window.pad, strict=True)]
    sums = np.zeros((len(image), *reach, window.out_shape[2]))
    for y in range(kernel_h):
        for x in range(kernel_w):
            at = slice(y, y + height * step_h, step_h), slice(x, x + width * step_w, step_w)
            sums[:, *at] += image @ weights[:, y, x].T.astype(np.float64)
    (above, left), (tall, broad, _) = window.pad, window.out_shape
    return sums[:, above : above + tall, left : left + broad]


def _as_conv(use: Use) -> Use:
    """Its tensors in the order of CONV_2D's: image, weights, bias."""
    bias = use.inputs[3:4]
    return replace(use, inputs=(use.inputs[2], use.inputs[1], *bias))


def _of_conv(rule: Rule) -> Rule:
    """A rule of CONV_2D's for the same tensors of TRANSPOSE_CONV."""

    @wraps(rule)
    def judge(use: Use) -> str | None:
        return rule(_as_conv(use))

    return judge


def weights_fit_the_channels(use: Use) -> str | None:
    """Weights are [output channels, height, width, input channels]."""
    weights, given, made = use.input(1).shape, use.input(0).shape[-1], use.output.shape[-1]
    if len(weights) == 4 and weights[3] == given and weights[0] == made:
        return None
    return f"weights of shape {list(weights)} for {given} channels in, {made} out"


def padding_is_known(use: Use) -> str | None:
    """Padding is SAME or VALID, strides are positive, and the input has the size at which it fills the output."""
    strides, padding = stride_of(use), use.text("padding")
    if padding not in {"SAME", "VALID"} or min(strides) < 1:
        return f"padding {padding}, strides {strides}"
    for axis, stride in enumerate(strides, start=1):
        size, made, kernel = use.input(0).shape[axis], use.output.shape[axis], use.input(1).shape[axis]
        expected = -(-(made if padding == "SAME" else made - kernel + 1) // stride)
        if size != expected:
            return f"input size {size} for {made} out, expected {expected}"
    return None


def _window(use: Use) -> Window:
    """micro/kernels/transpose_conv.cc: its padding is that of the convolution that it undoes."""
    (_, in_h, in_w, in_c), (_, out_h, out_w, out_c), stride = use.input(2).shape, use.output.shape, stride_of(use)
    _, height, width, _ = use.input(1).shape
    sizes = zip((in_h, in_w), (out_h, out_w), (height, width), stride, strict=True)
    above, left = (max((n - 1) * s + k - made, 0) // 2 for n, made, k, s in sizes)
    return Window((in_h, in_w, in_c), (out_h, out_w, out_c), (height, width), stride, (1, 1), (above, left))


def lower(use: Use) -> TransposeConv:
    given = _as_conv(use)
    per_channel = channels(given, use.output.shape[3], ratios(given))
    weights, zeros = int8(given.input(1)), (zero(given.input(0)), zero(use.output))
    return TransposeConv(_window(use), weights, per_channel, *zeros, clamp(use))


def lower_int16(use: Use) -> TransposeConvInt16:
    given = _as_conv(use)
    weights = int8(given.input(1))
    return TransposeConvInt16(_window(use), weights, *wide_channels(given, len(weights)), clamp(use))


def lower_float(use: Use) -> TransposeConvFloat:
    bias = use.optional(3)
    added = np.zeros(use.output.shape[3], np.float32) if bias is None else np.asarray(bias.data)
    weights = single(np.asarray(use.input(1).data))
    return TransposeConvFloat(_window(use), weights, single(added).ravel(), limits(use))


def macs(use: Use) -> int:
    """Every input pixel times all weights, as published figures count them."""
    return use.input(2).elements // max(use.input(2).shape[-1], 1) * use.input(1).elements


def sample(random: Random) -> Sample:
    kernel, stride = (random.integer(1, 4), random.integer(1, 4)), (random.integer(1, 3), random.integer(1, 3))
    size, in_c, out_c = (random.integer(1, 4), random.integer(1, 4)), random.integer(1, 5), random.integer(1, 5)
    same, batch = random.pick(True, False), random.batch()
    sizes = zip(size, kernel, stride, strict=True)
    # The converter asks for these; any of the `s` sizes that a convolution would bring to the same input is allowed.
    made = [(n - 1) * s + (random.integer(1, s) if same else k) for n, k, s in sizes]
    options = {"padding": "SAME" if same else "VALID", "stride_h": stride[0], "stride_w": stride[1]}
    weights = random.weights(out_c, *kernel, in_c)
    drawn = random.weighted("TRANSPOSE_CONV", (batch, *size, in_c), weights, (batch, *made, out_c), options)
    image, filters, bias, output = drawn.tensors
    shape = random.constant(np.array(output.shape, np.int32))
    inputs = (0, 1, 2, *random.pick((3,), ()))
    return random.use("TRANSPOSE_CONV", (shape, filters, image, bias, output), inputs, drawn.options)


OPERATOR = Operator(
    kind="TRANSPOSE_CONV",
    arity=Arity(3, 4, data=(2, 3)),
    rules=(
        *map(_of_conv, (images_have_four_dimensions, weights_fit_the_channels, padding_is_known)),
        activation_is_known,
    ),
    types=(
        Typed(("int8",), rules=tuple(map(_of_conv, WEIGHTED))),
        Typed(("int16",), rules=tuple(map(_of_conv, (*INT16, bias_is_constant_int64))), lower=lower_int16),
        Typed(("float32",), rules=tuple(map(_of_conv, FLOATS)), lower=lower_float),
    ),
    lower=lower,
    macs=macs,
    each_image=True,
    sample=sample,
)
