"""SOFTMAX over the last dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes, divide_by_power_of_two, int32, multiply_high
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._exponential import exp, one_over_one_plus
from tinyperf.engines.aot.operators._float_rows import SoftmaxFloat, shape_of
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale
from tinyperf.engines.aot.operators._softmax_int16 import lower_int16, probabilities_are_32768ths

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample

LONGEST_ROW = 2**12 - 1
LONGEST_SAFE_ROW = 2**9 - 1
"""Of entries whose sum of exponentials TFLM can always divide by."""


@dataclass(frozen=True)
class Softmax(Work):
    """`rows` of `depth` entries; exponentials of the scaled difference to the row's largest, in fixed point."""

    rows: int
    depth: int
    multiplier: int
    left_shift: int
    diff_min: int
    made: str = "int8"

    @property
    def signature(self) -> Signature:
        rows = self.rows, self.depth
        return Signature((Operand(rows),), (Operand(rows, self.made),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/softmax.h: exponentials in Q0.31, their sum in Q12.19; from 512 on every quotient rounds to 0."""
        given = inputs[0].astype(np.int64)
        difference = given - given.max(axis=-1, keepdims=True)
        counts = difference >= self.diff_min
        exponentials = exp(multiply_high(int32(difference << self.left_shift), self.multiplier), 5)
        sums = np.where(counts, divide_by_power_of_two(exponentials, 12), 0).sum(axis=-1, keepdims=True)
        zeros = 32 - np.frexp(sums.astype(np.float64))[1].astype(np.int64)
        scale = one_over_one_plus(int32((sums << zeros) - 2**31))
        (low, high), bits = code_range(self.made), np.iinfo(self.made).bits
        probability = divide_by_power_of_two(multiply_high(scale, exponentials), 12 - zeros + 31 - bits)
        return (codes(np.where(counts, probability + low, low), low, high, self.made),)


def probabilities_are_256ths(use: Use) -> str | None:
    """The output scale is 1/256 and its zero point -128, of int16 1/65536 and -32768; beta x the input scale is above
    2**-26.
    """
    made, given = use.output.quantization, use.input(0).quantization
    (low, _), step = code_range(use.output.dtype), 2.0 ** -np.iinfo(use.output.dtype).bits
    if made is None or given is None or abs(made.scale[0] - step) > step / 1000 or made.zero_point[0] != low:
        return f"output {made}"
    if use.output.dtype == "int8" and made.scale[0] != step:
        return f"output {made}"
    beta = float(use.text("beta"))
    return None if beta * given.scale[0] * 2**26 > 1 else f"beta {beta:g}, input scale {given.scale[0]:g}"


def has_a_dimension(use: Use) -> str | None:
    """Input and output have a dimension."""
    return None if use.input(0).shape and use.output.shape else "a number alone"


def sum_of_exponentials_fits(use: Use) -> str | None:
    """A row has at most 4095 entries, as their sum is kept in 12 integer bits."""
    shape = use.input(0).shape
    return None if shape[-1] <= LONGEST_ROW else f"{shape[-1]} entries"


def warn(use: Use) -> str:
    """reference/softmax.h checks that it need not shift by more than 31 bits, and stops the program where it must."""
    depth = use.input(0).shape[-1]
    if depth <= LONGEST_SAFE_ROW or use.output.dtype != "int8":
        return ""
    return (
        f"op {use.op.index} SOFTMAX has {depth} entries in a row: where the largest probability is below 1/512, TFLM "
        "stops the program; this code goes on with what is right then, the lowest code for every entry"
    )


def scaled_difference(scale: float) -> tuple[int, int, int]:
    """Multiplier and left shift that bring differences of codes to Q5.26, and the least difference that fits.

    Source: `PreprocessSoftmaxScaling` and `CalculateInputRadius` of quantization_util.cc.
    """
    fraction, left_shift = math.frexp(min(scale * 2**26, 2.0**31 - 1))
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, left_shift = multiplier // 2, left_shift + 1
    return multiplier, left_shift, -math.floor(31 * 2**26 / 2**left_shift)


def lower(use: Use) -> Softmax:
    """micro/kernels/softmax_common.cc; five integer bits in the scaled difference."""
    depth = use.input(0).shape[-1]
    numbers = scaled_difference(float(use.text("beta")) * scale(use.input(0)))
    return Softmax(use.input(0).elements // depth, depth, *numbers, use.output.dtype)


def lower_float(use: Use) -> SoftmaxFloat:
    return SoftmaxFloat(*shape_of(use), float(use.text("beta")))


def sample(random: Random) -> Sample:
    shape = random.pick((1, random.integer(1, 20)), (1, 3, random.integer(1, 6)))
    tensors = random.tensor(shape, random.scale(-3, 1)), random.tensor(shape, 1 / 256, -128)
    return random.use("SOFTMAX", tensors, (0,), {"beta": random.pick(1.0, 0.5, 2.0)})


def sample_int16(random: Random) -> Sample:
    """From int16 or int8."""
    drawn, symmetric = sample(random), random.given == "int16"
    given = random.tensor(drawn.tensors[0].shape, random.scale(-5, 0) if symmetric else random.scale(-3, 1))
    scale, zero = (2.0**-15, 0) if symmetric else (2.0**-16, -(2**15))
    return random.use("SOFTMAX", (given, random.tensor(given.shape, scale, zero, dtype="int16")), (0,), drawn.options)


OPERATOR = Operator(
    kind="SOFTMAX",
    arity=Arity(1, 1),
    rules=(same_elements, has_a_dimension),
    types=(
        Typed(("int8",), rules=(probabilities_are_256ths, sum_of_exponentials_fits)),
        Typed(
            ("int8",),
            ("int16",),
            rules=(probabilities_are_256ths, sum_of_exponentials_fits),
            sample=sample_int16,
        ),
        Typed(("int16",), rules=(probabilities_are_32768ths,), lower=lower_int16, sample=sample_int16),
        Typed(("float32",), lower=lower_float, ulps=6),
    ),
    lower=lower,
    warn=warn,
    sample=sample,
)
