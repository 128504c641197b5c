"""From tflite operators to work on integers: every scale becomes a multiplier, every padding an offset.

The formulas are TFLM's, down to which products are formed in float32, as the wheel tflite-micro 0.dev20261023182759
has them (paths of its sources in each function).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot import bounds
from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW, activation_range, quantize_multiplier, round_half_away
from tinyperf.engines.aot.constraints import broadcast_groups, check, node_of
from tinyperf.engines.aot.work import (
    Add,
    Alias,
    Channels,
    Clamp,
    Conv,
    Depthwise,
    Mean,
    PadImage,
    Pool,
    Rescale,
    Softmax,
    Step,
    Window,
)
from tinyperf.errors import ModelError
from tinyperf.tflite import macs

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tinyperf.engines.aot.constraints import Node
    from tinyperf.engines.aot.work import Pair, Work
    from tinyperf.tflite import Model, Tensor


def lower(model: Model) -> tuple[Step, ...]:
    """Every operator of a folded model as a Step.

    Raises: ModelError: operators break rules of constraints.py; it names each.
    """
    steps = []
    check(model)
    for op in model.ops:
        node = node_of(model, op)
        work = LOWERING[op.kind](node)
        data_inputs = op.inputs[:2] if op.kind == "ADD" else op.inputs[:1]
        note = _note(node, work)
        steps.append(Step(op.index, op.kind, data_inputs, op.outputs[0], macs(model, op), work, note))
    return tuple(steps)


def _note(node: Node, work: Work) -> str:
    """What a user must know of an operator that is compiled faithfully but does not do what one expects."""
    bare = [t for t in (*node.inputs, node.output) if t is not None and t.dtype == "int8" and _bare(t)]
    if bare:
        names = " and ".join(f"tensor {t.index} '{t.name}'" for t in bare)
        return (
            f"op {node.op.index} {node.op.kind}: {names} has a scale and no zero point; this code takes 0 for it, TFLM "
            "calls such a tensor not quantized and computes something else"
        )
    if node.op.kind == "RELU6" and node.input(0).quantization != node.output.quantization:
        return (
            f"op {node.op.index} RELU6 stands alone and its input and output scales differ: TFLM ignores the output's "
            "scale, and so does this code; fuse the activation into the operator before it"
        )
    if isinstance(work, Conv | Depthwise):
        worst = int(np.maximum(-work.channels.low, work.channels.high).max())
        if worst >= 2**31:
            return (
                f"op {node.op.index} {node.op.kind}: accumulators may reach {worst}, beyond 32 bits; inputs that get "
                "there give results that no two runtimes agree on"
            )
    return ""


def _bare(tensor: Tensor) -> bool:
    return tensor.quantization is not None and not tensor.quantization.zero_point_given


def _scale(tensor: Tensor) -> float:
    if tensor.quantization is None:
        raise ModelError(f"tensor {tensor.index} has no scale", hint="convert the model to full int8")
    return tensor.quantization.scale[0]


def _zero(tensor: Tensor) -> int:
    return tensor.quantization.zero_point[0] if tensor.quantization else 0


def _clamp(node: Node) -> Pair:
    activation = str(node.op.options["fused_activation_function"])
    return activation_range(activation, _scale(node.output), _zero(node.output))


def _int8(tensor: Tensor) -> npt.NDArray[np.int8]:
    if tensor.data is None:
        raise ModelError(f"tensor {tensor.index} is no constant", hint="convert the model again")
    return tensor.data.astype(np.int8)


def _window(node: Node, kernel: Pair, dilation: Pair) -> Window:
    (_, in_h, in_w, in_c), (_, out_h, out_w, out_c) = node.input(0).shape, node.output.shape
    stride = node.number("stride_h"), node.number("stride_w")
    before = []
    for size, made, k, s, d in zip((in_h, in_w), (out_h, out_w), kernel, stride, dilation, strict=True):
        total = max((made - 1) * s + (k - 1) * d + 1 - size, 0)
        before.append(total // 2)  # lite/kernels/padding.h: the odd one goes behind
    return Window((in_h, in_w, in_c), (out_h, out_w, out_c), kernel, stride, dilation, (before[0], before[1]))


def _channels(node: Node, rows: npt.NDArray[np.int8], ratios: list[float]) -> Channels:
    """`rows`: weights [output channel, taps]; `ratios`: one scale ratio, or one per channel."""
    count = rows.shape[0]
    bias_tensor = node.optional(2)
    bias = np.zeros(count, np.int32)
    if bias_tensor is not None and bias_tensor.data is not None:
        bias = bias_tensor.data.ravel().astype(np.int32)
    pairs = [quantize_multiplier(r) for r in (ratios if len(ratios) == count else ratios * count)]
    original = bias.copy()
    low, high = bounds.accumulator(rows, bias, _zero(node.input(0)))
    for c, (multiplier, shift) in enumerate(pairs):
        constant = bounds.constant_channel(
            (int(low[c]), int(high[c])), multiplier, shift, out_zero=_zero(node.output), clamp=_clamp(node)
        )
        if constant is not None:
            bias[c], *pair = constant
            pairs[c] = (pair[0], pair[1])
            low[c] += int(bias[c]) - int(original[c])
            high[c] += int(bias[c]) - int(original[c])
    return Channels(
        bias,
        np.array([m for m, _ in pairs], np.int32),
        np.array([s for _, s in pairs], np.int32),
        low,
        high,
    )


def _ratios(node: Node) -> list[float]:
    """lite/kernels/kernel_util.cc `PopulateConvolutionQuantizationParams` and `GetQuantizedConvolutionMultipler`.

    In double, from left to right. TFLM of 2023 (90b983c) forms the product of FULLY_CONNECTED's scales in float32,
    with and without a bias; the version matched here does not.
    """
    quantization = node.input(1).quantization
    scales = quantization.scale if quantization else ()
    return [_scale(node.input(0)) * s / _scale(node.output) for s in scales]


def _conv(node: Node) -> Work:
    weights = _int8(node.input(1))
    dilation = node.number("dilation_h_factor"), node.number("dilation_w_factor")
    window = _window(node, (weights.shape[1], weights.shape[2]), dilation)
    channels = _channels(node, weights.reshape(weights.shape[0], -1), _ratios(node))
    return Conv(window, weights, channels, _zero(node.input(0)), _zero(node.output), _clamp(node))


def _depthwise(node: Node) -> Work:
    weights = _int8(node.input(1))[0]
    dilation = node.number("dilation_h_factor"), node.number("dilation_w_factor")
    window = _window(node, (weights.shape[0], weights.shape[1]), dilation)
    channels = _channels(node, weights.reshape(-1, weights.shape[2]).T, _ratios(node))
    return Depthwise(
        window,
        weights,
        channels,
        _zero(node.input(0)),
        _zero(node.output),
        _clamp(node),
        node.number("depth_multiplier"),
    )


def _fully_connected(node: Node) -> Work:
    weights = _int8(node.input(1))
    outputs, inputs = weights.shape
    rows = node.input(0).elements // inputs
    ratios = _ratios(node)
    window = Window((rows, 1, inputs), (rows, 1, outputs), (1, 1), (1, 1), (1, 1), (0, 0))
    return Conv(
        window,
        weights.reshape(outputs, 1, 1, inputs),
        _channels(node, weights, ratios),
        _zero(node.input(0)),
        _zero(node.output),
        _clamp(node),
    )


def _pool(node: Node) -> Work:
    kernel = node.number("filter_height"), node.number("filter_width")
    return Pool(_window(node, kernel, (1, 1)), node.op.kind == "MAX_POOL_2D", _clamp(node))


def _add(node: Node) -> Work:
    """micro/kernels/add_common.cc."""
    a, b, out = node.input(0), node.input(1), node.output
    twice = 2 * max(_scale(a), _scale(b))
    multipliers = (
        quantize_multiplier(_scale(a) / twice),
        quantize_multiplier(_scale(b) / twice),
        quantize_multiplier(twice / (2**20 * _scale(out))),
    )
    shape, strides = _broadcast(a.shape, b.shape)
    return Add(shape, strides, (_zero(a), _zero(b)), multipliers, _zero(out), _clamp(node))


Shape4 = tuple[int, int, int, int]


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[Shape4, tuple[Shape4, Shape4]]:
    """Output dimensions, neighbours that broadcast alike merged, and the strides of both inputs over them."""
    groups = broadcast_groups(a, b)
    sizes = [1] * (4 - len(groups)) + [size for size, _ in groups]
    varies = [(False, False)] * (4 - len(groups)) + [kind for _, kind in groups]
    strides = []
    for which in range(2):
        step, found = 1, []
        for size, kind in zip(reversed(sizes), reversed(varies), strict=True):
            found.append(step if kind[which] else 0)
            step *= size if kind[which] else 1
        strides.append(tuple(reversed(found)))
    return (
        (sizes[0], sizes[1], sizes[2], sizes[3]),
        ((*strides[0],), (*strides[1],)),  # type: ignore[return-value]  # four each, by construction
    )


def _softmax(node: Node) -> Work:
    """micro/kernels/softmax_common.cc; five integer bits in the scaled difference."""
    beta = float(str(node.op.options["beta"]))
    real = min(beta * _scale(node.input(0)) * 2**26, 2.0**31 - 1)
    fraction, left_shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, left_shift = multiplier // 2, left_shift + 1
    depth = node.input(0).shape[-1]
    diff_min = -math.floor(31 * 2**26 / 2**left_shift)
    return Softmax(node.input(0).elements // depth, depth, multiplier, left_shift, diff_min)


def _pad(node: Node) -> Work:
    """micro/kernels/pad_common.cc: without a value, what is outside has the output's zero point."""
    shape, paddings = node.input(0).shape, node.input(1).data
    value = node.optional(2)
    fill = int(value.data.ravel()[0]) if value is not None and value.data is not None else _zero(node.output)
    lead = 4 - len(shape)
    before = [int(p) for p in paddings.reshape(-1, 2)[:, 0]] if paddings is not None else []
    return PadImage(
        _four((1,) * lead + shape), _four((1,) * lead + node.output.shape), _four((0,) * lead + tuple(before)), fill
    )


def _four(values: tuple[int, ...]) -> Shape4:
    a, b, c, d = values
    return a, b, c, d


def _mean(node: Node) -> Work:
    """micro/kernels/reduce_common.cc and reference/reduce.h `QuantizedMeanOrSum`."""
    shape, axes = node.input(0).shape, node.input(1).data
    reduced = {int(a) % len(shape) for a in axes.ravel()} if axes is not None else set()
    count = math.prod(shape[i] for i in reduced)
    multiplier, shift = quantize_multiplier(_scale(node.input(0)) / _scale(node.output))
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return Mean(
        _alternating(shape, reduced),
        _zero(node.input(0)),
        _zero(node.output),
        (multiplier << bits) // count,
        shift - bits,
    )


def _alternating(shape: tuple[int, ...], reduced: set[int]) -> tuple[int, int, int, int, int]:
    """Dimensions merged into kept, reduced, kept, reduced, kept."""
    sizes = [1, 1, 1, 1, 1]
    at = 0
    for axis, size in enumerate(shape):
        while size > 1 and (at % 2 == 1) != (axis in reduced):
            at += 1
        sizes[min(at, 4)] *= size
    a, b, c, d, e = sizes
    return a, b, c, d, e


def _quantize(node: Node) -> Work:
    """reference/requantize.h."""
    multiplier, shift = quantize_multiplier(_scale(node.input(0)) / _scale(node.output))
    return Rescale(
        node.output.elements, _zero(node.input(0)), _zero(node.output), multiplier, shift, (INT8_LOW, INT8_HIGH)
    )


def _relu(node: Node) -> Work:
    """micro/kernels/activations_common.cc; the ratio is a float32 one."""
    ratio = np.float32(_scale(node.input(0))) / np.float32(_scale(node.output))
    multiplier, shift = quantize_multiplier(float(ratio))
    zero = _zero(node.output)
    return Rescale(
        node.output.elements, _zero(node.input(0)), zero, multiplier, shift, (max(INT8_LOW, zero), INT8_HIGH)
    )


def _relu6(node: Node) -> Work:
    """micro/kernels/activations_common.cc: a clamp of the input's codes."""
    zero = _zero(node.input(0))
    six = round_half_away(float(np.float32(6.0) / np.float32(_scale(node.input(0))))) + zero
    return Clamp(node.output.elements, (zero, max(INT8_LOW, min(INT8_HIGH, six))))


def _reshape(_: Node) -> Work:
    return Alias()


LOWERING: dict[str, Callable[[Node], Work]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "ADD": _add,
    "SOFTMAX": _softmax,
    "PAD": _pad,
    "PADV2": _pad,
    "MEAN": _mean,
    "QUANTIZE": _quantize,
    "RELU": _relu,
    "RELU6": _relu6,
    "RESHAPE": _reshape,
}
