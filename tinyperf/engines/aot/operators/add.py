"""ADD, with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, quantize_multiplier, requantized
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._broadcast import Broadcast, broadcast, random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._float_pair import paired
from tinyperf.engines.aot.operators._int_pair import of_int32
from tinyperf.engines.aot.operators._rules import activation_is_known, codes_may_vanish
from tinyperf.engines.aot.operators._scales import clamp, scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair


@dataclass(frozen=True)
class Add(Broadcast):
    """Each multiplier is (mantissa, shift) of TFLM; the sum is formed with that many bits more (`left_shift`)."""

    zeros: Pair
    multipliers: tuple[Pair, Pair, Pair]
    out_zero: int
    clamp: Pair
    left_shift: int = 20
    dtype: str = "int8"
    sign: ClassVar[int] = 1
    """Of the second input."""

    @property
    def types(self) -> tuple[str, str, str]:
        return self.dtype, self.dtype, self.dtype

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        sides = zip(inputs, self.zeros, self.multipliers[:2], strict=True)
        scaled = [
            requantized((side.astype(np.int64) - zero) << self.left_shift, *factor) for side, zero, factor in sides
        ]
        made = requantized(scaled[0] + self.sign * scaled[1], *self.multipliers[2]) + self.out_zero
        return (codes(made, *self.clamp, dtype=self.dtype),)


LEFT_SHIFT = {"int8": 20, "int16": 15}


def sum_is_scaled_down(use: Use) -> str | None:
    """The output scale is above 2 x the larger input scale / 2**20, of int16 / 2**15 (TFLM demands a ratio below 1)."""
    scales = [t.quantization.scale[0] for t in (use.input(0), use.input(1), use.output) if t.quantization]
    if not min(max(scales[:2]), scales[-1]):
        return f"scales {scales}"
    ratio = 2 * max(scales[:2]) / (2 ** LEFT_SHIFT[use.output.dtype] * scales[-1])
    return None if ratio < 1 else f"ratio {ratio:g}"


def lower(use: Use) -> Add:
    """micro/kernels/add_common.cc."""
    a, b, out = use.input(0), use.input(1), use.output
    twice, left_shift = 2 * max(scale(a), scale(b)), LEFT_SHIFT[out.dtype]
    multipliers = (
        quantize_multiplier(scale(a) / twice),
        quantize_multiplier(scale(b) / twice),
        quantize_multiplier(twice / (2**left_shift * scale(out))),
    )
    zeros = zero(a), zero(b)
    return Add(*broadcast(a.shape, b.shape), zeros, multipliers, zero(out), clamp(use), left_shift, out.dtype)


def sample(random: Random) -> Sample:
    """The model's input plus a constant (of a shape that broadcasts), or plus itself."""
    return random_pair(
        random, "ADD", lambda a, b: random.near(max(a, b), 1.5), {"fused_activation_function": random.activation()}
    )


OPERATOR = Operator(
    kind="ADD",
    arity=Arity(2, 2, data=(0, 2)),
    rules=(shapes_broadcast, activation_is_known),
    types=(
        Typed(("int8",), rules=(sum_is_scaled_down,)),
        Typed(("int16",), scales=False, rules=(codes_may_vanish, sum_is_scaled_down)),
        of_int32("add", scaled=False),
        Typed(("float32",), lower=paired("add", activation=True)),
    ),
    lower=lower,
    sample=sample,
)
