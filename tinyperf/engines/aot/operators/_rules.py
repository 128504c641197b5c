"""Rules that several operators share. Each is one function whose docstring is the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.arithmetic import code_range
from tinyperf.engines.aot.graph import QUANTIZED
from tinyperf.engines.aot.operators import ANY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinyperf.engines.aot.operators import Typed, Use
    from tinyperf.tflite import Tensor


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


def tensors_are_whole(use: Use) -> str | None:
    """No input and no output is empty."""
    for tensor in (*use.data, *use.outputs):
        if tensor.elements < 1:
            return f"tensor {tensor.index} '{tensor.name}' is {tensor.dtype} of shape {list(tensor.shape)}"
    return None


def types_are_known(use: Use, types: Iterable[Typed]) -> str | None:
    """Inputs and outputs are of the types that the table names; int4 and float16 are never among them."""
    if any(typed.fits(use) for typed in types):
        return None
    given, made = (" and ".join(dict.fromkeys(t.dtype for t in ts)) for ts in (use.data, use.outputs))
    return f"{given} to {made}; supported: {', '.join(map(str, types))}"


def codes_have_scales(use: Use) -> str | None:
    """Codes (int8, uint8, int16) have one scale (2**-60 to 2**60) and zero point (one of the codes) per tensor, but
    where they are only moved. Zero points are 0 where the input is int16.
    """
    return _scaled(use, SMALLEST)


def codes_may_vanish(use: Use) -> str | None:
    """Scales are at most 2**60, and may be 0 or next to it (nothing comes of such an input); zero points are 0."""
    return _scaled(use, 0.0)


def has_a_scale(tensor: Tensor, smallest: float = SMALLEST) -> bool:
    """One for the whole tensor, neither next to 0 nor beyond all measure."""
    found = tensor.quantization
    return found is not None and not found.per_channel and smallest <= found.scale[0] <= 1 / SMALLEST


def _scaled(use: Use, smallest: float) -> str | None:
    for tensor in (*use.data, *use.outputs):
        if tensor.dtype not in QUANTIZED:
            continue
        quantization = tensor.quantization
        if quantization is None:
            return f"tensor {tensor.index} '{tensor.name}' has no scale"
        symmetric = tensor.dtype == use.data[0].dtype == "int16"
        low, high = (0, 0) if symmetric else code_range(tensor.dtype)
        if not has_a_scale(tensor, smallest) or not low <= quantization.zero_point[0] <= high:
            return f"tensor {tensor.index} '{tensor.name}' has {quantization}"
    return None


def activation_is_known(use: Use) -> str | None:
    """The fused activation is none, RELU, RELU6 or RELU_N1_TO_1."""
    activation = use.op.options["fused_activation_function"]
    return None if activation in {"NONE", "RELU", "RELU6", "RELU_N1_TO_1"} else str(activation)


def codes_are_copied(use: Use) -> str | None:
    """Inputs and outputs have the same scale and zero point, or all have none."""
    for tensor in (*use.data, *use.outputs):
        if tensor.dtype in QUANTIZED and tensor.quantization != use.output.quantization:
            given, made = tensor.quantization or "no scale", use.output.quantization or "no scale"
            return f"tensor {tensor.index} has {given}, the output {made}"
    return None


def same_elements(use: Use) -> str | None:
    """Input and output have the same number of elements."""
    given, made = use.input(0).elements, use.output.elements
    return None if given == made else f"{given} elements in, {made} out"


COMMON = (input_count, tensors_are_whole)


def sentence(rule: Callable[..., str | None]) -> str:
    """The rule in one line."""
    return " ".join((getattr(rule, "func", rule).__doc__ or "").split())
