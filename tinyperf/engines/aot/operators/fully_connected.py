"""FULLY_CONNECTED: a 1x1 convolution over rows."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from tinyperf.engines.aot.arithmetic import quantize_multiplier
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float import limits
from tinyperf.engines.aot.operators._float_matmul import MatMulFloat
from tinyperf.engines.aot.operators._float_weighted import FLOATS, ConvFloat, bias_of, rows
from tinyperf.engines.aot.operators._matrix import Side
from tinyperf.engines.aot.operators._rules import activation_is_known
from tinyperf.engines.aot.operators._scales import clamp, int8, zero
from tinyperf.engines.aot.operators._weighted import SHORT, channels, macs, ratios
from tinyperf.engines.aot.operators._weighted_int16 import INT16, bias_is_constant
from tinyperf.engines.aot.operators._weighted_int16 import rows as rows_int16
from tinyperf.engines.aot.operators._window import Window
from tinyperf.engines.aot.operators.batch_matmul import LONGEST, MatMul
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Rule, Use
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


def _of_constants(rule: Rule) -> Rule:
    """A rule that computed weights need not keep."""

    @wraps(rule)
    def judge(use: Use) -> str | None:
        return None if use.input(1).data is None else rule(use)

    return judge


def short_weights_have_one_scale(use: Use) -> str | None:
    """Weights of int4 have one scale."""
    weights = use.input(1)
    several = weights.dtype == "int4" and weights.quantization is not None and weights.quantization.per_channel
    return str(weights.quantization) if several else None


def computed_weights_have_one_scale(use: Use) -> str | None:
    """Weights may also be computed: then they have one scale, and rows of at most 32768 inputs."""
    weights = use.input(1)
    if weights.data is not None:
        return None
    per_channel = weights.quantization is not None and weights.quantization.per_channel
    return f"{weights.quantization}, {list(weights.shape)}" if per_channel or weights.shape[-1] > LONGEST else None


def lower(use: Use) -> Conv | MatMul:
    if use.input(1).data is None:
        return _of_two(use)
    weights = int8(use.input(1))
    outputs, inputs = weights.shape
    rows = use.input(0).elements // inputs
    window = Window((rows, 1, inputs), (rows, 1, outputs), (1, 1), (1, 1), (1, 1), (0, 0))
    per_channel = channels(use, outputs, ratios(use))
    square = weights.reshape(outputs, 1, 1, inputs)
    return Conv(window, square, per_channel, zero(use.input(0)), zero(use.output), clamp(use))


def _of_two(use: Use) -> MatMul:
    """The product with computed weights, which may have a zero point."""
    outputs, inputs = use.input(1).shape
    rows = use.input(0).elements // inputs
    left, right = (Side(t.elements, (0, 0, 0), inputs, 1, zero(t)) for t in (use.input(0), use.input(1)))
    bias = channels(use, outputs, ratios(use)).bias
    multiplier = quantize_multiplier(ratios(use)[0])
    return MatMul((1, 1, 1), rows, outputs, inputs, left, right, bias, *multiplier, zero(use.output), clamp(use))


def lower_float(use: Use) -> ConvFloat | MatMulFloat:
    if use.input(1).data is not None:
        return rows(use)
    outputs, inputs = use.input(1).shape
    count = use.input(0).elements // inputs
    left, right = (Side(t.elements, (0, 0, 0), inputs, 1, 0) for t in (use.input(0), use.input(1)))
    return MatMulFloat((1, 1, 1), count, outputs, inputs, left, right, bias_of(use), limits(use))


def sample(random: Random) -> Sample:
    inputs, outputs = random.pick(1, 3, 4, 8, 20, 64), random.pick(1, 2, 4, 8, 9)
    rows = random.pick(1, 1, 3)
    shape = random.pick((rows, inputs), (1, rows, inputs)) if rows == 1 else (1, rows, inputs)
    options = {"keep_num_dims": len(shape) > 2}
    weights = random.weights(outputs, inputs)
    drawn = random.weighted("FULLY_CONNECTED", shape, weights, (*shape[:-1], outputs), options)
    given, filters, bias, made = drawn.tensors
    scales = filters.quantization.scale if filters.quantization else (1.0,)
    if len(scales) != 1 or random.given == "int16" or random.pick(True, True, False):
        return drawn
    constant = random.constant(random.codes(*shape), like=given)
    computed = random.tensor(filters.shape, scales[0])
    return random.use("FULLY_CONNECTED", (constant, computed, bias, made), drawn.inputs, drawn.options)


OPERATOR = Operator(
    kind="FULLY_CONNECTED",
    arity=Arity(2, 3, computed=(1,)),
    rules=(rows_fit_the_weights, activation_is_known),
    types=(
        Typed(
            ("int8",),
            rules=(
                *map(_of_constants, SHORT[:3]),
                SHORT[3],
                computed_weights_have_one_scale,
                short_weights_have_one_scale,
                bias_scale_fits,
            ),
        ),
        Typed(("int16",), rules=(*INT16, bias_is_constant, bias_scale_fits), lower=rows_int16),
        Typed(("float32",), rules=(_of_constants(FLOATS[0]), FLOATS[1]), lower=lower_float),
    ),
    lower=lower,
    macs=macs,
    sample=sample,
)
