"""Rules that several operators share. Each is one function whose docstring is the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import ANY

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Rule, Use


SMALLEST = 2.0**-60
"""Of scales: the ratio of any two is a float32, in which TFLM divides them here and there."""


def input_count(use: Use) -> str | None:
    """The operator has the numbers of inputs and outputs that the schema gives it."""
    arity, count = use.arity, len(use.inputs)
    present = all(t is not None for t in use.inputs[: arity.least])
    outputs = len(use.outputs) == arity.outputs or (arity.outputs == ANY and bool(use.outputs))
    if arity.least <= count <= arity.most and present and outputs:
        return None
    return f"{count} inputs and {len(use.outputs)} outputs"


def activations_are_int8(use: Use) -> str | None:
    """Activations are int8 with one scale (2**-60 to 2**60) and zero point (-128 to 127) per tensor, and no state."""
    for tensor in (*use.data, *use.outputs):
        quantization = tensor.quantization
        if tensor.dtype != "int8" or tensor.elements < 1:
            return f"tensor {tensor.index} '{tensor.name}' is {tensor.dtype} of shape {list(tensor.shape)}"
        if tensor.variable:
            return f"tensor {tensor.index} '{tensor.name}' is kept from inference to inference"
        if quantization is None:
            return f"tensor {tensor.index} '{tensor.name}' has no scale"
        if (
            quantization.per_channel
            or not SMALLEST <= quantization.scale[0] <= 1 / SMALLEST
            or not -128 <= quantization.zero_point[0] <= 127
        ):
            return f"tensor {tensor.index} '{tensor.name}' has {quantization}"
    return None


def activation_is_known(use: Use) -> str | None:
    """The fused activation is none, RELU, RELU6 or RELU_N1_TO_1."""
    activation = use.op.options["fused_activation_function"]
    return None if activation in {"NONE", "RELU", "RELU6", "RELU_N1_TO_1"} else str(activation)


def codes_are_copied(use: Use) -> str | None:
    """Inputs and outputs have the same scale and zero point."""
    for tensor in (*use.data, *use.outputs):
        if tensor.quantization != use.output.quantization:
            given, made = tensor.quantization or "no scale", use.output.quantization or "no scale"
            return f"tensor {tensor.index} has {given}, the output {made}"
    return None


def same_elements(use: Use) -> str | None:
    """Input and output have the same number of elements."""
    given, made = use.input(0).elements, use.output.elements
    return None if given == made else f"{given} elements in, {made} out"


COMMON = (input_count, activations_are_int8)


def sentence(rule: Rule) -> str:
    """The rule in one line."""
    return " ".join((rule.__doc__ or "").split())
