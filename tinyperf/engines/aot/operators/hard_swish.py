"""HARD_SWISH: a table of the output of every code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, divide_by_power_of_two, quantize_multiplier
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_map import mapped
from tinyperf.engines.aot.operators._lookup import EVERY_CODE, Lookup
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.arithmetic import Wide
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample

LOW, HIGH = -(2**15), 2**15 - 1
UNIT = np.float32(3.0) / np.float32(32768.0)
"""Scale of relu6(x + 3) / 6 before it is shifted into [0, 1]."""


def _ratios(use: Use) -> tuple[float, float]:
    """Scale of the input, 128 times finer, to that of the output and to UNIT; in float32."""
    fine = np.float32(scale(use.input(0))) / np.float32(128.0)
    return float(fine / np.float32(scale(use.output))), float(fine / UNIT)


def output_is_not_finer(use: Use) -> str | None:
    """The output scale is above 1/128 of the input scale."""
    ratio, _ = _ratios(use)
    return None if ratio < 1 else f"ratio {128 * ratio:g}"


def _multiplier16(real: float) -> tuple[int, int]:
    """`DownScaleInt32ToInt16Multiplier` of tensorflow/lite/kernels/internal/common.h."""
    multiplier, shift = quantize_multiplier(real)
    return min((multiplier + 2**15) >> 16, HIGH), shift


def _high_half(a: Wide, b: Wide | int) -> Wide:
    """gemmlowp's SaturatingRoundingDoublingHighMul of 16 bits; both never are the lowest number here."""
    product: Wide = a * b + 2**14
    return product >> 15


def lower(use: Use) -> Lookup:
    """micro/kernels/hard_swish_common.cc and reference/hard_swish.h, in 16 bits."""
    (output, output_shift), (unit, unit_shift) = map(_multiplier16, _ratios(use))
    fine = (EVERY_CODE - zero(use.input(0))) << 7
    x = np.clip(fine << max(unit_shift - 1, 0), LOW, HIGH)
    x = _high_half(x, unit)
    if unit_shift > 0:
        x = np.clip(x << 1, LOW, HIGH)
    x = divide_by_power_of_two(x, max(-unit_shift, 0))
    product = ((x + 2**15) >> 1) * _high_half(fine, output)
    halved = np.sign(product) * (np.abs(product) >> 15)  # towards zero, unlike the others
    return Lookup(use.output.elements, codes(divide_by_power_of_two(halved, -output_shift) + zero(use.output)))


def sample(random: Random) -> Sample:
    shape, given = (1, random.integer(1, 40)), random.scale(-3, 0)
    return random.use("HARD_SWISH", (random.tensor(shape, given), random.tensor(shape, random.near(given, 1))), (0,))


OPERATOR = Operator(
    kind="HARD_SWISH",
    arity=Arity(1, 1),
    rules=(same_elements,),
    types=(Typed(("int8",), rules=(output_is_not_finer,)), mapped("hard_swish")),
    lower=lower,
    sample=sample,
)
