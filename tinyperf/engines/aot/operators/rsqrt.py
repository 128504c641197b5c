"""RSQRT: a table of the output of every code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW, codes, quantize_multiplier, requantize
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_map import mapped
from tinyperf.engines.aot.operators._inverse_root import inverse_root
from tinyperf.engines.aot.operators._lookup import Lookup
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample

FRACTION_BITS = 20
"""Of the inverse root before it is rescaled."""


def input_is_not_negative(use: Use) -> str | None:
    """The input's zero point is -128: at a value below zero TFLM stops with an error."""
    given = zero(use.input(0))
    return None if given == INT8_LOW else f"zero point {given}"


def _ratio(use: Use) -> float:
    """The root is taken, and multiplied by the output's scale, in float32."""
    return float(1 / np.float64(np.sqrt(np.float32(scale(use.input(0)))) * np.float32(scale(use.output))))


def output_is_moderate(use: Use) -> str | None:
    """1 / (root of the input scale x output scale) is 2**-10 to 2**30: others leave 32 bits."""
    return None if 2**-10 <= _ratio(use) < 2**30 else f"ratio {_ratio(use):g}"


def lower(use: Use) -> Lookup:
    """micro/kernels/elementwise.cc `RsqrtEvalQuantized`: of zero it is the largest code."""
    multiplier, shift = quantize_multiplier(_ratio(use))
    table = [INT8_HIGH]
    for value in range(1, 256):
        root, right = inverse_root(value)
        fine = requantize(1, root, FRACTION_BITS - right)
        table.append(requantize(fine, multiplier, shift - FRACTION_BITS) + zero(use.output))
    return Lookup(use.output.elements, codes(np.array(table, np.int64)))


def sample(random: Random) -> Sample:
    shape, given = (1, random.integer(1, 40)), random.scale(-4, 0)
    made = random.near(given**-0.5 / 100, 1)
    return random.use("RSQRT", (random.tensor(shape, given, INT8_LOW), random.tensor(shape, made)), (0,))


OPERATOR = Operator(
    kind="RSQRT",
    arity=Arity(1, 1),
    rules=(same_elements,),
    types=(Typed(("int8",), rules=(input_is_not_negative, output_is_moderate)), mapped("rsqrt")),
    lower=lower,
    sample=sample,
)
