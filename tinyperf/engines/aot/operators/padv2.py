"""PADV2: PAD with a value of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import QUANTIZED
from tinyperf.engines.aot.operators import Arity, Operator, moved, pad

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def pad_value_is_constant(use: Use) -> str | None:
    """The value of PADV2 is one constant of the output's type, scale and zero point."""
    value = use.input(2)
    if value.data is None or value.dtype != use.output.dtype or value.elements != 1:
        return f"tensor {value.index} is {value.dtype} of shape {list(value.shape)}"
    same = value.dtype not in QUANTIZED or value.quantization == use.output.quantization
    return None if same else f"value has {value.quantization or 'no scale'}"


def lower(use: Use) -> pad.PadImage:
    value = use.input(2).data
    return pad.padded(use, 0 if value is None else value.ravel()[0].item())


def sample(random: Random) -> Sample:
    image, pairs, made = pad.sample(random).tensors
    value = random.constant(random.codes(1), like=image)
    return random.use("PADV2", (image, pairs, value, made), (0, 1, 2))


OPERATOR = Operator(
    kind="PADV2",
    arity=Arity(3, 3),
    rules=(pad.paddings_are_constant, pad_value_is_constant),
    lower=lower,
    sample=sample,
    types=moved("int8", "int16", "int32", "float32"),
)
