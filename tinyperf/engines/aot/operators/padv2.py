"""PADV2: PAD with a value of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import Arity, Operator, pad
from tinyperf.engines.aot.operators._scales import int8

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def pad_value_is_constant_int8(use: Use) -> str | None:
    """The value of PADV2 is one constant int8 with the output's scale and zero point."""
    value = use.input(2)
    if value.data is None or value.dtype != "int8" or value.elements != 1:
        return f"tensor {value.index} is {value.dtype} of shape {list(value.shape)}"
    return None if value.quantization == use.output.quantization else f"value has {value.quantization or 'no scale'}"


def lower(use: Use) -> pad.PadImage:
    return pad.padded(use, int(int8(use.input(2)).ravel()[0]))


def sample(random: Random) -> Sample:
    image, pairs, made = pad.sample(random).tensors
    value = random.constant(random.codes(1), like=image)
    return random.use("PADV2", (image, pairs, value, made), (0, 1, 2))


OPERATOR = Operator(
    kind="PADV2",
    arity=Arity(3, 3),
    rules=(pad.paddings_are_constant, pad_value_is_constant_int8),
    lower=lower,
    sample=sample,
)
