"""FULLY_CONNECTED: a 1x1 convolution over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_weighted import FLOATS, rows
from tinyperf.engines.aot.operators._rules import activation_is_known
from tinyperf.engines.aot.operators._scales import clamp, int8, zero
from tinyperf.engines.aot.operators._weighted import WEIGHTED, channels, macs, ratios
from tinyperf.engines.aot.operators._window import Window
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def bias_scale_fits(use: Use) -> str | None:
    """Where weights have one scale, the bias scale is input x weight scale, give or take 0.02 output scales."""
    # lite/kernels/kernel_util.cc `GetQuantizedConvolutionMultipler`
    bias, given, weights, made = use.optional(2), use.input(0).quantization, use.input(1).quantization, use.output
    if bias is None or given is None or weights is None or weights.per_channel or made.quantization is None:
        return None
    scale = bias.quantization.scale[0] if bias.quantization and bias.quantization.zero_point_given else 0.0
    product = given.scale[0] * weights.scale[0]
    fits = abs(product - scale) / made.quantization.scale[0] <= 0.02
    return None if fits else f"bias tensor {bias.index} has scale {scale:g}, input x weight scale is {product:g}"


def rows_fit_the_weights(use: Use) -> str | None:
    """Weights are [outputs, inputs]; the input's elements divide into rows of that many inputs."""
    weights = use.input(1).shape
    if (
        len(weights) != 2
        or 0 in weights
        or not use.output.shape
        or use.input(0).elements % weights[1]
        or use.output.shape[-1] != weights[0]
    ):
        return f"weights of shape {list(weights)}, input {list(use.input(0).shape)}, output {list(use.output.shape)}"
    rows = use.input(0).elements // weights[1]
    return None if use.output.elements == rows * weights[0] else f"output {list(use.output.shape)} for {rows} rows"


def lower(use: Use) -> Conv:
    weights = int8(use.input(1))
    outputs, inputs = weights.shape
    rows = use.input(0).elements // inputs
    window = Window((rows, 1, inputs), (rows, 1, outputs), (1, 1), (1, 1), (1, 1), (0, 0))
    per_channel = channels(use, outputs, ratios(use))
    square = weights.reshape(outputs, 1, 1, inputs)
    return Conv(window, square, per_channel, zero(use.input(0)), zero(use.output), clamp(use))


def sample(random: Random) -> Sample:
    inputs, outputs = random.pick(1, 3, 4, 8, 20, 64), random.pick(1, 2, 4, 8, 9)
    rows = random.pick(1, 1, 3)
    shape = random.pick((rows, inputs), (1, rows, inputs)) if rows == 1 else (1, rows, inputs)
    options = {"keep_num_dims": len(shape) > 2}
    weights = random.weights(outputs, inputs)
    return random.weighted("FULLY_CONNECTED", shape, weights, (*shape[:-1], outputs), options)


OPERATOR = Operator(
    kind="FULLY_CONNECTED",
    arity=Arity(2, 3),
    rules=(rows_fit_the_weights, activation_is_known),
    types=(Typed(("int8",), rules=(*WEIGHTED, bias_scale_fits)), Typed(("float32",), rules=FLOATS, lower=rows)),
    lower=lower,
    macs=macs,
    sample=sample,
)
