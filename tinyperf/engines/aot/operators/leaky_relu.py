"""LEAKY_RELU: a table of the output of every code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes, quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float import single
from tinyperf.engines.aot.operators._lookup import EVERY_CODE, Lookup
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair


def alpha_is_a_slope(use: Use) -> str | None:
    """Alpha is at least 0 and at most 2**15."""
    alpha = float(use.text("alpha"))
    return None if 0 <= alpha <= 2**15 else f"alpha {alpha:g}"


def lower(use: Use) -> Lookup:
    """micro/kernels/leaky_relu_common.cc and reference/leaky_relu.h; the ratios are formed in double."""
    positive, negative = _factors(use)
    x = EVERY_CODE - zero(use.input(0))
    made = np.where(x >= 0, requantized(x, *positive), requantized(x, *negative))
    return Lookup(use.output.elements, codes(made + zero(use.output)))


def _factors(use: Use) -> tuple[Pair, Pair]:
    given, made = scale(use.input(0)), scale(use.output)
    return quantize_multiplier(given / made), quantize_multiplier(given * float(use.text("alpha")) / made)


@dataclass(frozen=True)
class LeakyRelu(Work):
    """LEAKY_RELU of int16, whose zero points are 0. Each factor is (mantissa, shift) of TFLM."""

    elements: int
    positive: Pair
    negative: Pair

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,), "int16"),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        x = inputs[0].astype(np.int64)
        made = np.where(x >= 0, requantized(x, *self.positive), requantized(x, *self.negative))
        return (codes(made, *code_range("int16"), dtype="int16"),)


def lower_int16(use: Use) -> LeakyRelu:
    positive, negative = _factors(use)
    return LeakyRelu(use.output.elements, positive, negative)


@dataclass(frozen=True)
class LeakyReluFloat(Work):
    elements: int
    alpha: float

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,), "float32"),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        given = single(inputs[0])
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            return (single(np.where(given > 0, given, given * np.float32(self.alpha))),)


def lower_float(use: Use) -> LeakyReluFloat:
    return LeakyReluFloat(use.output.elements, float(use.text("alpha")))


def sample(random: Random) -> Sample:
    shape, given = (1, random.integer(1, 40)), random.scale(-3, 0)
    tensors = random.tensor(shape, given), random.tensor(shape, random.near(given, 1))
    return random.use("LEAKY_RELU", tensors, (0,), {"alpha": random.pick(0.0, 0.1, 0.2, 0.01, 1.0, 1.5)})


OPERATOR = Operator(
    kind="LEAKY_RELU",
    arity=Arity(1, 1),
    rules=(same_elements,),
    types=(
        Typed(("int8",), rules=(alpha_is_a_slope,)),
        Typed(("int16",), rules=(alpha_is_a_slope,), lower=lower_int16),
        Typed(("float32",), lower=lower_float),
    ),
    lower=lower,
    sample=sample,
)
