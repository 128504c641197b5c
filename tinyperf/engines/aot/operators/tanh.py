"""TANH: a table of the output of every code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW, codes, divide_by_power_of_two
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._exponential import exp, one_minus_over_one_plus
from tinyperf.engines.aot.operators._float_map import mapped
from tinyperf.engines.aot.operators._lookup import INTEGER_BITS, Lookup, fixed_point, input_is_coarse
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero
from tinyperf.engines.aot.operators._sigmoid import of_int16, random_of_int16, steps_are_32768ths

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def output_is_128ths(use: Use) -> str | None:
    """The output scale is 1/128 and its zero point 0."""
    fits = scale(use.output) == 1 / 128 and zero(use.output) == 0
    return None if fits else f"the output has {use.output.quantization}"


def lower(use: Use) -> Lookup:
    """reference/integer_ops/tanh.h and gemmlowp's `tanh`: exp(-2x) is exp(-x) with one integer bit more."""
    x, beyond = fixed_point(use)
    positive = one_minus_over_one_plus(exp(-np.abs(x), INTEGER_BITS + 1))
    table = codes(divide_by_power_of_two(np.sign(x) * positive, 31 - 7))
    table = np.where(beyond > 0, INT8_HIGH, np.where(beyond < 0, INT8_LOW, table)).astype(np.int8)
    return Lookup(use.output.elements, table)


def sample(random: Random) -> Sample:
    shape = (1, random.integer(1, 40))
    tensors = random.tensor(shape, random.scale(-4, 1)), random.tensor(shape, 1 / 128, 0)
    return random.use("TANH", tensors, (0,))


OPERATOR = Operator(
    kind="TANH",
    arity=Arity(1, 1),
    rules=(same_elements,),
    types=(
        Typed(("int8",), rules=(output_is_128ths, input_is_coarse)),
        Typed(
            ("int16",),
            rules=(steps_are_32768ths,),
            lower=of_int16(hyperbolic=True),
            sample=random_of_int16("TANH"),
        ),
        mapped("tanh", ulps=2),
    ),
    lower=lower,
    sample=sample,
)
