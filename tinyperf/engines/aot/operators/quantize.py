"""QUANTIZE: from float, or from codes to codes of another type, scale or zero point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes, quantize_multiplier, requantized, truncated
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._rules import SMALLEST, same_elements
from tinyperf.engines.aot.operators._scales import scale, zero
from tinyperf.tflite import Quantization, Tensor

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair


@dataclass(frozen=True)
class Rescale(Work):
    """QUANTIZE from codes to codes, and RELU on its own. `given` and `made`: their types."""

    elements: int
    in_zero: int
    out_zero: int
    multiplier: int
    shift: int
    clamp: Pair
    given: str = "int8"
    made: str = "int8"

    @property
    def signature(self) -> Signature:
        row = (self.elements,)
        return Signature((Operand(row, self.given),), (Operand(row, self.made),))

    @property
    def flips(self) -> bool:
        """It only moves every code by 128 between int8 and uint8."""
        alike = self.multiplier == 2**30 and self.shift == 1 and self.clamp == code_range(self.made)
        offset = {("uint8", "int8"): 128, ("int8", "uint8"): -128}.get((self.given, self.made))
        return alike and offset == self.in_zero - self.out_zero

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        made = requantized(inputs[0].astype(np.int64) - self.in_zero, self.multiplier, self.shift) + self.out_zero
        return (codes(made, *self.clamp, dtype=self.made),)


@dataclass(frozen=True)
class Quantize(Work):
    """QUANTIZE from float32: the nearest code, ties away from zero. What is beyond the codes gets the last one."""

    elements: int
    scale: float
    zero: int
    made: str

    @property
    def signature(self) -> Signature:
        row = (self.elements,)
        return Signature((Operand(row, "float32"),), (Operand(row, self.made),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        with np.errstate(over="ignore", divide="ignore"):
            steps = inputs[0].astype(np.float32) / np.float32(self.scale)
        whole = np.trunc(steps)
        rounded = whole + np.where(np.abs(steps - whole) >= 0.5, np.sign(steps), 0)
        return (codes(truncated(rounded) + self.zero, *code_range(self.made), dtype=self.made),)


def codes_have_a_scale(use: Use) -> str | None:
    """Integers have one scale (2**-60 to 2**60) and a zero point within their type."""
    for tensor in (use.input(0), use.output):
        quantization = tensor.quantization
        if tensor.dtype == "float32":
            continue
        if quantization is None:
            return f"tensor {tensor.index} '{tensor.name}' has no scale"
        low, high = code_range(tensor.dtype)
        inside = SMALLEST <= quantization.scale[0] <= 1 / SMALLEST and low <= quantization.zero_point[0] <= high
        if quantization.per_channel or not inside:
            return f"tensor {tensor.index} '{tensor.name}' has {quantization}"
    return None


def lower(use: Use) -> Rescale | Quantize:
    """reference/quantize.h, reference/requantize.h."""
    given, made = use.input(0), use.output
    if given.dtype == "float32":
        return Quantize(made.elements, scale(made), zero(made), made.dtype)
    multiplier, shift = quantize_multiplier(scale(given) / scale(made))
    clamp = code_range(made.dtype)
    return Rescale(made.elements, zero(given), zero(made), multiplier, shift, clamp, given.dtype, made.dtype)


def sample(random: Random) -> Sample:
    """Scales such that the input spreads over the output's codes, give or take a factor of ten.

    Now and then, codes that move by 128 alone.
    """
    shape, step = (1, random.integer(1, 40)), random.scale(-2, 0)
    if {random.given, random.made} == {"int8", "uint8"} and random.pick(True, False):
        moved = random.integer(0, 255)
        zeros = (moved - 128, moved) if random.given == "int8" else (moved, moved - 128)
        sides = zip((random.given, random.made), zeros, strict=True)
        return random.use("QUANTIZE", tuple(_codes(shape, step, zero, dtype) for dtype, zero in sides), (0,))
    if random.given == "float32":
        given, span = random.tensor(shape, 1), 4 / 2 ** BITS[random.made] / step
    else:
        given, span = _codes(shape, step, _zero(random, random.given), random.given), SPAN[random.given, random.made]
    made = _codes(shape, random.near(step * span, 1), _zero(random, random.made), random.made)
    return random.use("QUANTIZE", (given, made), (0,))


BITS = {"int8": 8, "uint8": 8, "int16": 16, "int32": 24}
SPAN = {(a, b): 2.0 ** (BITS[a] - BITS[b]) for a in BITS for b in BITS} | {
    ("int32", "int8"): 2.0**24,
    ("int32", "int16"): 2.0**16,
}


def _zero(random: Random, dtype: str) -> int:
    return random.pick(0, 0, -(2**15), 1234) if dtype == "int16" else random.zero(dtype)


def _codes(shape: tuple[int, ...], step: float, zero: int, dtype: str) -> Tensor:
    return Tensor(0, "", shape, dtype, Quantization((float(np.float32(step)),), (zero,)))


COMBINATIONS = (
    *(("int8", made) for made in ("int8", "uint8", "int16", "int32")),
    ("uint8", "int8"),
    *(("int16", made) for made in ("int8", "int16", "int32")),
    *(("int32", made) for made in ("int8", "int16")),
    *(("float32", made) for made in ("int8", "int16")),
)
OPERATOR = Operator(
    kind="QUANTIZE",
    arity=Arity(1, 1),
    rules=(same_elements, codes_have_a_scale),
    lower=lower,
    sample=sample,
    types=tuple(Typed((given,), () if made == given else (made,), scales=False) for given, made in COMBINATIONS),
)
