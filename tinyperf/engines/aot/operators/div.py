"""DIV, with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import (
    INT8_HIGH,
    INT8_LOW,
    codes,
    divide_by_power_of_two,
    int32,
    multiply_high,
    quantize_multiplier,
)
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._broadcast import Broadcast, broadcast, random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._exponential import one_over_one_plus
from tinyperf.engines.aot.operators._float_pair import paired
from tinyperf.engines.aot.operators._int_pair import no_scales, of_int32
from tinyperf.engines.aot.operators._rules import activation_is_known
from tinyperf.engines.aot.operators._scales import clamp, scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.arithmetic import Wide
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair

LONGEST_SHIFT = 31


@dataclass(frozen=True)
class Div(Broadcast):
    """The first input divided by the second, each without its zero point, rescaled."""

    zeros: Pair
    multiplier: int
    shift: int
    out_zero: int
    clamp: Pair

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/div.h: the reciprocal in Q0.31 times the numerator, which is shifted left as far as it goes."""
        a, b = (side.astype(np.int64) - zero for side, zero in zip(inputs, self.zeros, strict=True))
        a, b = np.where(b < 0, -a, a), np.maximum(np.abs(b), 1)
        zeros, headroom = 32 - _bits(b), 31 - _bits(np.where(a < 0, -1 - a, a))
        reciprocal = one_over_one_plus((b << zeros) - 2**31)
        quotient = multiply_high(int32(a << headroom), reciprocal)
        right = 31 - zeros + headroom - self.shift
        made = divide_by_power_of_two(multiply_high(quotient, self.multiplier), right)
        return (codes(made + self.out_zero, *self.clamp),)


def _bits(numbers: Wide) -> Wide:
    """How many bits each takes; none is negative."""
    return np.frexp(numbers.astype(np.float64))[1].astype(np.int64)


def _ratio(use: Use) -> float:
    """In float32."""
    given, other, made = (np.float32(scale(t)) for t in (use.input(0), use.input(1), use.output))
    return float(given / (other * made))


def _largest(use: Use) -> int:
    """The largest denominator, in codes from the zero point."""
    other = use.input(1)
    ends = np.array([INT8_LOW, INT8_HIGH]) if other.data is None else other.data.astype(np.int64)
    return int(np.abs(ends - zero(other)).max())


def quotients_are_shifted_by_31_bits_at_most(use: Use) -> str | None:
    """Input scale / (denominator scale x output scale) is below 2**22, and at least half the power of two that is not
    above the largest denominator in codes: TFLM would shift by 32 bits and more, which each machine does differently.
    """
    _, shift = quantize_multiplier(min(_ratio(use), 2.0**29))
    fits = _largest(use).bit_length() - 1 <= shift <= 22
    return None if fits else f"ratio {_ratio(use):g}, denominators up to {_largest(use)} codes"


def nothing_is_divided_by_zero(use: Use) -> str | None:
    """A constant denominator is nowhere zero. A computed one that is zero counts as one code; of int32 it gives 0.

    (TFLM gives no number there, or stops the program.)
    """
    other = use.input(1)
    zeros = 0 if other.data is None else int((other.data.astype(np.int64) == zero(other)).sum())
    return f"{zeros} of tensor {other.index}" if zeros else None


def lower(use: Use) -> Div:
    """micro/kernels/div.cc."""
    a, b = use.input(0), use.input(1)
    multiplier = quantize_multiplier(_ratio(use))
    return Div(*broadcast(a.shape, b.shape), (zero(a), zero(b)), *multiplier, zero(use.output), clamp(use))


def sample(random: Random) -> Sample:
    """Constant denominators, ratios from the least that is allowed for any of them."""
    options = {"fused_activation_function": random.activation()}
    drawn = random_pair(random, "DIV", lambda a, b: a / b / random.pick(128.0, random.near(2000, 1)), options)
    given, other, made = drawn.tensors
    codes = random.codes(*other.shape)
    constant = replace(other, data=np.where(codes == zero(other), codes ^ 1, codes))
    return random.use("DIV", (given, constant, made), (0, 1), options)


def sample_int32(random: Random) -> Sample:
    """Constant denominators, neither 0 nor -1."""
    options = {"fused_activation_function": random.activation()}
    given, other, made = random_pair(random, "DIV", max, options).tensors
    numbers = random.codes(*other.shape)
    numbers = np.where(random.generator.random(other.shape) < 0.5, numbers >> 24, numbers)
    constant = replace(other, data=np.where((numbers == 0) | (numbers == -1), 7, numbers).astype(np.int32))
    return random.use("DIV", (given, constant, made), (0, 1), options)


def sample_float(random: Random) -> Sample:
    return random_pair(random, "DIV", max, {"fused_activation_function": random.activation()})


OPERATOR = Operator(
    kind="DIV",
    arity=Arity(2, 2, data=(0, 2)),
    rules=(shapes_broadcast, activation_is_known),
    types=(
        Typed(("int8",), rules=(nothing_is_divided_by_zero, quotients_are_shifted_by_31_bits_at_most)),
        replace(
            of_int32("div", activation=True, scaled=False),
            rules=(no_scales, nothing_is_divided_by_zero),
            sample=sample_int32,
        ),
        Typed(("float32",), lower=paired("div", activation=True), sample=sample_float),
    ),
    lower=lower,
    sample=sample,
)
