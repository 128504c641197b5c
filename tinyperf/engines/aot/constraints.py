"""Which operators `aot` compiles, and on what terms. Each rule is one function whose docstring is the rule.

The message of a refused model quotes the docstring, and docs/supported_operators.md is written from them
(`scripts/test --update-golden`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.fold import FOLDED
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from tinyperf.tflite import Model, Op, Tensor


@dataclass(frozen=True)
class Node:
    """One operator with its tensors; None for an absent optional input."""

    op: Op
    inputs: tuple[Tensor | None, ...]
    output: Tensor

    def input(self, position: int) -> Tensor:
        """The tensor at that position; the operator's own rules say that it is there."""
        tensor = self.inputs[position]
        if tensor is None:
            raise ModelError(
                f"op {self.op.index} {self.op.kind}: input {position} is absent",
                hint="the model is damaged; convert it again",
            )
        return tensor

    def optional(self, position: int) -> Tensor | None:
        return self.inputs[position] if position < len(self.inputs) else None

    def number(self, name: str) -> int:
        value = self.op.options[name]
        return int(value) if isinstance(value, int | float) else 0


Rule = Callable[[Node], str | None]

WINDOWED = ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D")


def input_count(node: Node) -> str | None:
    """The operator has the number of inputs that the schema gives it, and one output."""
    low, high = INPUTS[node.op.kind]
    count = len(node.inputs)
    present = all(t is not None for t in node.inputs[:low])
    if low <= count <= high and present and len(node.op.outputs) == 1:
        return None
    return f"{count} inputs, {len(node.op.outputs)} outputs"


def activations_are_int8(node: Node) -> str | None:
    """Activations are int8 with one scale (above 0) and zero point (-128 to 127) per tensor, and no state."""
    data_inputs = node.inputs[:2] if node.op.kind == "ADD" else node.inputs[:1]
    for tensor in (*data_inputs, node.output):
        if tensor is None:
            continue
        quantization = tensor.quantization
        if tensor.dtype != "int8" or tensor.elements < 1:
            return f"tensor {tensor.index} '{tensor.name}' is {tensor.dtype} of shape {list(tensor.shape)}"
        if tensor.variable:
            return f"tensor {tensor.index} '{tensor.name}' is kept from inference to inference"
        if quantization is None:
            return f"tensor {tensor.index} '{tensor.name}' has no scale"
        if quantization.per_channel or quantization.scale[0] <= 0 or not -128 <= quantization.zero_point[0] <= 127:
            return f"tensor {tensor.index} '{tensor.name}' has {quantization}"
    return None


def weights_are_constant_int8(node: Node) -> str | None:
    """Weights are constant int8, stored in the model (no int4, no sparse or shuffled format)."""
    weights = node.input(1)
    if weights.data is None:
        return f"weight tensor {weights.index} is computed"
    if node.op.options.get("weights_format"):
        return "shuffled weights"
    return None if weights.dtype == "int8" else f"weights are {weights.dtype}"


def weights_are_symmetric(node: Node) -> str | None:
    """Weight zero points are 0 (int8 specification: weights are symmetric)."""
    quantization = node.input(1).quantization
    if quantization is None:
        return "weights have no scale"
    return f"zero points {quantization.zero_point[:4]}" if any(quantization.zero_point) else None


def scales_per_output_channel(node: Node) -> str | None:
    """Weights have one scale, or one per output channel along a dimension of that many."""
    weights = node.input(1)
    channels = node.output.shape[-1] if node.output.shape else 1
    quantization = weights.quantization
    if quantization is None or not quantization.per_channel:
        return None
    count, axis = len(quantization.scale), quantization.axis
    along = weights.shape[axis] if 0 <= axis < len(weights.shape) else 0
    if count == channels == along:
        return None
    return f"{count} scales along axis {axis} of {list(weights.shape)} for {channels} output channels"


def bias_scale_fits(node: Node) -> str | None:
    """Where weights have one scale, the bias scale is input x weight scale, give or take 0.02 output scales."""
    # lite/kernels/kernel_util.cc `GetQuantizedConvolutionMultipler`
    bias, given, weights, made = node.optional(2), node.input(0).quantization, node.input(1).quantization, node.output
    if bias is None or given is None or weights is None or weights.per_channel or made.quantization is None:
        return None
    scale = bias.quantization.scale[0] if bias.quantization and bias.quantization.zero_point_given else 0.0
    product = given.scale[0] * weights.scale[0]
    fits = abs(product - scale) / made.quantization.scale[0] <= 0.02
    return None if fits else f"bias tensor {bias.index} has scale {scale:g}, input x weight scale is {product:g}"


def bias_is_constant_int32(node: Node) -> str | None:
    """The bias is absent, or constant int32, one per output channel."""
    bias = node.optional(2)
    if bias is None:
        return None
    if bias.data is None or bias.dtype != "int32":
        return f"bias tensor {bias.index} is {bias.dtype if bias.data is not None else 'computed'}"
    channels = node.output.shape[-1] if node.output.shape else 1
    return None if bias.elements == channels else f"{bias.elements} biases for {channels} channels"


def images_have_four_dimensions(node: Node) -> str | None:
    """Input and output have four dimensions [1, height, width, channels]; the batch is 1."""
    for tensor in (node.input(0), node.output):
        if len(tensor.shape) != 4 or tensor.shape[0] != 1:
            return f"tensor {tensor.index} has shape {list(tensor.shape)}"
    return None


def weights_fit_the_channels(node: Node) -> str | None:
    """Weight shapes fit the channels: no grouped convolution; depthwise output = input channels x depth multiplier."""
    weights, channels = node.input(1).shape, node.input(0).shape[-1]
    out = node.output.shape[-1]
    if len(weights) != 4:
        return f"weights of shape {list(weights)}"
    if node.op.kind == "CONV_2D":
        fits = weights[3] == channels and weights[0] == out
    else:
        fits = weights[0] == 1 and weights[3] == out and out == channels * node.number("depth_multiplier")
    return None if fits else f"weights of shape {list(weights)} for {channels} channels in, {out} out"


def window_fits(node: Node) -> str | None:
    """Padding is SAME or VALID, strides and dilations are positive, and the output has the size that follows."""
    options = node.op.options
    if node.op.kind in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
        kernel = node.input(1).shape[1:3]
        dilation = node.number("dilation_h_factor"), node.number("dilation_w_factor")
    else:
        kernel = node.number("filter_height"), node.number("filter_width")
        dilation = (1, 1)
    stride = node.number("stride_h"), node.number("stride_w")
    if options["padding"] not in {"SAME", "VALID"}:
        return f"padding {options['padding']}"
    if min(*stride, *dilation, *kernel) < 1:
        return f"kernel {kernel}, stride {stride}, dilation {dilation}"
    for axis in range(2):
        size, made = node.input(0).shape[1 + axis], node.output.shape[1 + axis]
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        expected = -(-(size if options["padding"] == "SAME" else size - reach + 1) // stride[axis])
        if made != expected:
            return f"output size {made}, expected {expected}"
    return None


def rows_fit_the_weights(node: Node) -> str | None:
    """Weights are [outputs, inputs]; the input's elements divide into rows of that many inputs."""
    weights = node.input(1).shape
    if (
        len(weights) != 2
        or 0 in weights
        or not node.output.shape
        or node.input(0).elements % weights[1]
        or node.output.shape[-1] != weights[0]
    ):
        return f"weights of shape {list(weights)}, input {list(node.input(0).shape)}, output {list(node.output.shape)}"
    rows = node.input(0).elements // weights[1]
    return None if node.output.elements == rows * weights[0] else f"output {list(node.output.shape)} for {rows} rows"


def activation_is_known(node: Node) -> str | None:
    """The fused activation is none, RELU, RELU6 or RELU_N1_TO_1."""
    activation = node.op.options["fused_activation_function"]
    return None if activation in {"NONE", "RELU", "RELU6", "RELU_N1_TO_1"} else str(activation)


def scales_are_equal(node: Node) -> str | None:
    """Input and output have the same zero point and the same scale (within 1e-6)."""
    a, b = node.input(0).quantization, node.output.quantization
    if a is None or b is None:
        return "no scale"
    same = abs(np.float32(a.scale[0]) - np.float32(b.scale[0])) <= 1e-6 and a.zero_point == b.zero_point
    return None if same else f"scales {a.scale[0]:g} and {b.scale[0]:g}, zero points {a.zero_point} and {b.zero_point}"


def shapes_broadcast(node: Node) -> str | None:
    """Both shapes broadcast to the output's, at most six dimensions; an input may be constant.

    Neighbouring dimensions along which the same inputs repeat count as one, and of these there are at most four.
    """
    shapes = node.input(0).shape, node.input(1).shape
    try:
        made: tuple[int, ...] | None = np.broadcast_shapes(*shapes)
    except ValueError:
        made = None
    if made != node.output.shape or len(made) > 6:
        return f"shapes {list(shapes[0])} and {list(shapes[1])} to {list(node.output.shape)}"
    count = len(broadcast_groups(*shapes))
    return None if count <= 4 else f"shapes {list(shapes[0])} and {list(shapes[1])} alternate in {count} groups"


def broadcast_groups(a: tuple[int, ...], b: tuple[int, ...]) -> list[tuple[int, tuple[bool, bool]]]:
    """Output dimensions, neighbours that broadcast alike merged: size, and which input varies along it."""
    rank = max(len(a), len(b))
    groups: list[tuple[int, tuple[bool, bool]]] = []
    for x, y in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        kind = (x > 1, y > 1)
        if x == y == 1:
            continue
        if groups and groups[-1][1] == kind:
            groups[-1] = (groups[-1][0] * max(x, y), kind)
        else:
            groups.append((max(x, y), kind))
    return groups


def sum_is_scaled_down(node: Node) -> str | None:
    """The output scale is above 2 x the larger input scale / 2**20 (TFLM demands a ratio below 1)."""
    scales = [t.quantization.scale[0] for t in (node.input(0), node.input(1), node.output) if t.quantization]
    ratio = 2 * max(scales[:2]) / (2**20 * scales[-1])
    return None if ratio < 1 else f"ratio {ratio:g}"


def probabilities_are_256ths(node: Node) -> str | None:
    """The output scale is 1/256 and its zero point -128; beta x the input scale is above 2**-26."""
    made, given = node.output.quantization, node.input(0).quantization
    if made is None or given is None or made.scale[0] != 1 / 256 or made.zero_point[0] != -128:
        return f"output {made}"
    beta = float(str(node.op.options["beta"]))
    return None if beta * given.scale[0] * 2**26 > 1 else f"beta {beta:g}, input scale {given.scale[0]:g}"


def sum_of_exponentials_fits(node: Node) -> str | None:
    """A row has at most 511 entries: from 512 on their sum can leave the range of the fixed-point arithmetic."""
    shape = node.input(0).shape
    return None if shape and shape[-1] <= 511 else f"{shape[-1]} entries" if shape else "no dimension"


def paddings_are_constant(node: Node) -> str | None:
    """Paddings are a constant int32 pair for each of at most four dimensions, none negative; they give the output."""
    shape, paddings = node.input(0).shape, node.input(1)
    if paddings.data is None or paddings.dtype != "int32" or paddings.elements != 2 * len(shape) or len(shape) > 4:
        return f"paddings of shape {list(paddings.shape)} {paddings.dtype} for input {list(shape)}"
    if not shape:
        return "no dimension"
    pairs = paddings.data.reshape(-1, 2).astype(int)
    made = tuple(n + int(a + b) for n, (a, b) in zip(shape, pairs, strict=True))
    return None if pairs.min() >= 0 and made == node.output.shape else f"paddings {pairs.tolist()}"


def pad_value_is_constant_int8(node: Node) -> str | None:
    """The value of PADV2 is one constant int8 with the output's scale and zero point."""
    value = node.optional(2)
    if value is None:
        return None
    if value.data is None or value.dtype != "int8" or value.elements != 1:
        return f"tensor {value.index} is {value.dtype} of shape {list(value.shape)}"
    return None if value.quantization == node.output.quantization else f"value has {value.quantization}"


def axes_are_constant(node: Node) -> str | None:
    """Axes are constant int32 within the input's at most four dimensions; the output has what they leave."""
    shape, axes = node.input(0).shape, node.input(1)
    if axes.data is None or axes.dtype != "int32" or len(shape) > 4:
        return f"axis tensor {axes.index} is {axes.dtype}, input {list(shape)}"
    found = axes.data.ravel().astype(int).tolist()
    if not all(-len(shape) <= a < len(shape) for a in found):
        return f"axes {found} of {len(shape)} dimensions"
    kept = [n for i, n in enumerate(shape) if i not in {a % len(shape) for a in found}]
    return None if int(np.prod(kept)) == node.output.elements else f"output {list(node.output.shape)}"


def same_elements(node: Node) -> str | None:
    """Input and output have the same number of elements."""
    given, made = node.input(0).elements, node.output.elements
    return None if given == made else f"{given} elements in, {made} out"


IMAGE = (images_have_four_dimensions,)
WEIGHTED = (weights_are_constant_int8, weights_are_symmetric, scales_per_output_channel, bias_is_constant_int32)
RULES: dict[str, tuple[Rule, ...]] = {
    "CONV_2D": (*WEIGHTED, *IMAGE, weights_fit_the_channels, window_fits, activation_is_known),
    "DEPTHWISE_CONV_2D": (*WEIGHTED, *IMAGE, weights_fit_the_channels, window_fits, activation_is_known),
    "FULLY_CONNECTED": (*WEIGHTED, bias_scale_fits, rows_fit_the_weights, activation_is_known),
    "ADD": (shapes_broadcast, sum_is_scaled_down, activation_is_known),
    "AVERAGE_POOL_2D": (*IMAGE, window_fits, scales_are_equal, activation_is_known),
    "MAX_POOL_2D": (*IMAGE, window_fits, scales_are_equal, activation_is_known),
    "SOFTMAX": (same_elements, probabilities_are_256ths, sum_of_exponentials_fits),
    "PAD": (paddings_are_constant,),
    "PADV2": (paddings_are_constant, pad_value_is_constant_int8),
    "MEAN": (axes_are_constant,),
    "RESHAPE": (same_elements,),
    "QUANTIZE": (same_elements,),
    "RELU": (same_elements,),
    "RELU6": (same_elements,),
}
COMMON: tuple[Rule, ...] = (input_count, activations_are_int8)
INPUTS = {
    "CONV_2D": (2, 3),
    "DEPTHWISE_CONV_2D": (2, 3),
    "FULLY_CONNECTED": (2, 3),
    "ADD": (2, 2),
    "PAD": (2, 2),
    "PADV2": (3, 3),
    "MEAN": (2, 2),
    "RESHAPE": (1, 2),
} | dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D", "SOFTMAX", "QUANTIZE", "RELU", "RELU6"), (1, 1))


def check(model: Model) -> None:
    """Raises: ModelError: operators, or what they are used for here, are not supported; it names each and says why."""
    absent: dict[str, list[int]] = {}
    broken: list[str] = []
    for op in model.ops:
        if op.kind in FOLDED:
            broken.append(f"op {op.index} {op.kind}: {_not_folded(op)}")
            continue
        if op.kind not in RULES:
            absent.setdefault(op.kind, []).append(op.index)
            continue
        reason = _broken_rule(model, op)
        if reason:
            broken.append(f"op {op.index} {op.kind}: {reason}")
    hints = []
    seen = []
    if absent:
        seen.append(
            ", ".join(_places(kind, places) for kind, places in absent.items())
            + f" not supported by engine 'aot'; supported: {', '.join(sorted(RULES))}, QUANTIZE and DEQUANTIZE between "
            "float and int8 at the model's ends, and shape arithmetic"
        )
        hints.append("leave the operators out of the model")
    if broken:
        shown = broken[:MOST_REASONS] + ([f"{len(broken) - MOST_REASONS} more"] if len(broken) > MOST_REASONS else [])
        seen.append("; ".join(shown))
        hints.append("docs/supported_operators.md lists every rule; convert the model to full int8 where it is not")
    if seen:
        raise ModelError("; besides, ".join(seen), hint=f"{', '.join(hints)}, or try --engine tflm")


MOST_REASONS = 8
"""Operators of one model often break one rule all alike."""


def _places(kind: str, places: list[int]) -> str:
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return f"op {places[0]} {kind}{more} is" if not more else f"op {places[0]} {kind}{more} are"


def _not_folded(op: Op) -> str:
    if not op.inputs or not op.outputs:
        return f"{len(op.inputs)} inputs and {len(op.outputs)} outputs"
    return (
        "works on activations; supported: only on shapes, folded at compile time (with an open batch size, in Keras: "
        "tf.keras.Input(batch_shape=(1, ...)))"
    )


def _broken_rule(model: Model, op: Op) -> str:
    if not op.outputs:
        return f"{len(op.inputs)} inputs and 0 outputs; rule: {_sentence(input_count)}"
    node = node_of(model, op)
    for rule in (*COMMON, *RULES[op.kind]):
        broken = rule(node)
        if broken is not None:
            return f"{broken}; rule: {_sentence(rule)}"
    return ""


def node_of(model: Model, op: Op) -> Node:
    """`op` with its tensors.

    Raises: ModelError: it has no output.
    """
    if not op.outputs:
        raise ModelError(f"op {op.index} {op.kind} has no output", hint="the model is damaged; convert it again")
    inputs = tuple(None if i < 0 else model.tensors[i] for i in op.inputs)
    return Node(op, inputs, model.tensors[op.outputs[0]])


def document() -> str:
    """docs/supported_operators.md."""
    lines = [
        "# Operators that engine `aot` compiles",
        "",
        "Written by `scripts/test --update-golden` from the rules that the compiler checks; do not edit.",
        "Outputs equal TensorFlow Lite Micro's int8 reference kernels bit for bit, in the version of the Python",
        "package `tflite-micro` 0.dev20261023182759. The tree that engine `tflm` builds (90b983c) is older and forms",
        "the product of FULLY_CONNECTED's scales in float32: at about one sum in 2^18 its output differs by one.",
        "",
        "Every operator:",
        *(f"- {_sentence(rule)}" for rule in COMMON),
        "",
        "| operator | inputs | rules |",
        "| --- | --- | --- |",
    ]
    for kind, rules in sorted(RULES.items()):
        low, high = INPUTS[kind]
        count = str(low) if low == high else f"{low} to {high}"
        lines.append(f"| {kind} | {count} | {'<br>'.join(_sentence(rule) for rule in rules)} |")
    lines += [
        "",
        "Besides: QUANTIZE from float32 at the model's input and DEQUANTIZE to float32 at its output are cut off",
        "(the host does their work, the firmware is int8 in and out). SHAPE, STRIDED_SLICE and PACK on shapes are",
        "folded at compile time for batch 1. A RELU6 that stands alone clamps to the *input's* codes and ignores the",
        "output's scale, as TFLM's kernel does; the build warns where the two differ.",
        "",
    ]
    return "\n".join(lines)


def _sentence(rule: Rule) -> str:
    return " ".join((rule.__doc__ or "").split())
