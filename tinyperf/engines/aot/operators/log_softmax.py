"""LOG_SOFTMAX over the last dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import (
    INT8_HIGH,
    codes,
    divide_by_power_of_two,
    int32,
    multiply_high,
    quantize_multiplier,
    requantized,
)
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._exponential import exp, logarithm
from tinyperf.engines.aot.operators._float_rows import LogSoftmaxFloat, shape_of
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero
from tinyperf.engines.aot.operators.softmax import has_a_dimension, scaled_difference, sum_of_exponentials_fits

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair

SCALE = 1 / 16


@dataclass(frozen=True)
class LogSoftmax(Work):
    """`rows` of `depth` entries. `back`: multiplier and shift from differences in Q5.26 to those of codes."""

    rows: int
    depth: int
    multiplier: int
    left_shift: int
    diff_min: int
    back: Pair

    @property
    def signature(self) -> Signature:
        rows = (Operand((self.rows, self.depth)),)
        return Signature(rows, rows)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/log_softmax.h: differences and logarithm in Q5.26, the sum of exponentials in Q12.19."""
        given = inputs[0].astype(np.int64)
        difference = given - given.max(axis=-1, keepdims=True)
        fine = multiply_high(int32(difference << self.left_shift), self.multiplier)
        exponentials = divide_by_power_of_two(exp(fine, 5), 12)
        sums = np.where(difference >= self.diff_min, exponentials, 0).sum(axis=-1, keepdims=True)
        log = logarithm(sums)
        least = np.maximum(self.diff_min - 1, requantized(log - 2**31, *self.back))
        made = codes(divide_by_power_of_two(fine - log, 31 - 5 - 4) + INT8_HIGH)
        return (np.where(difference > least, made, np.int8(-128)),)


def output_is_16ths(use: Use) -> str | None:
    """The output scale is 1/16 and its zero point 127; the input scale is above 2**-26."""
    if scale(use.output) != SCALE or zero(use.output) != INT8_HIGH:
        return f"the output has {use.output.quantization}"
    return None if scale(use.input(0)) * 2**26 > 1 else f"input scale {scale(use.input(0)):g}"


def lower(use: Use) -> LogSoftmax:
    """micro/kernels/log_softmax.cc."""
    multiplier, left_shift, diff_min = scaled_difference(scale(use.input(0)))
    depth = use.input(0).shape[-1]
    back = quantize_multiplier(2.0 ** (31 - left_shift) / multiplier)
    return LogSoftmax(math.prod(use.input(0).shape[:-1]), depth, multiplier, left_shift, diff_min, back)


def lower_float(use: Use) -> LogSoftmaxFloat:
    return LogSoftmaxFloat(*shape_of(use))


def sample(random: Random) -> Sample:
    shape = random.pick((1, random.integer(1, 20)), (1, 3, random.integer(1, 6)), (1, random.integer(500, 1200)))
    tensors = random.tensor(shape, random.scale(-3, 1)), random.tensor(shape, SCALE, INT8_HIGH)
    return random.use("LOG_SOFTMAX", tensors, (0,))


OPERATOR = Operator(
    kind="LOG_SOFTMAX",
    arity=Arity(1, 1),
    rules=(same_elements, has_a_dimension),
    types=(
        Typed(("int8",), rules=(sum_of_exponentials_fits, output_is_16ths)),
        Typed(("float32",), lower=lower_float, ulps=4, least=1.0),
    ),
    lower=lower,
    sample=sample,
)
