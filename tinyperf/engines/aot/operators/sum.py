"""SUM over any axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.arithmetic import quantize_multiplier
from tinyperf.engines.aot.operators import Arity, Operator, Typed, mean
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def sum_fits(use: Use) -> str | None:
    """The input scale is below 2**30 output scales."""
    ratio = scale(use.input(0)) / scale(use.output)
    return None if ratio < 2**30 else f"ratio {ratio:g}"


def lower(use: Use) -> mean.Mean:
    """reference/reduce.h `QuantizedMeanOrSum`: a mean that is not divided."""
    shape = mean.alternating(use.input(0).shape, mean.reduced(use))
    multiplier = quantize_multiplier(scale(use.input(0)) / scale(use.output))
    return mean.Mean(shape, zero(use.input(0)), zero(use.output), *multiplier, use.output.dtype)


def sample(random: Random) -> Sample:
    drawn = mean.sample(random)
    given, _, made = drawn.tensors
    wide = random.tensor(made.shape, random.near(scale(given) * 4, 1))
    return random.use("SUM", (*drawn.tensors[:2], wide), (0, 1), drawn.options)


def sample_float(random: Random) -> Sample:
    drawn = mean.sample(random)
    return random.use("SUM", drawn.tensors, (0, 1), drawn.options)


OPERATOR = Operator(
    kind="SUM",
    arity=Arity(2, 2),
    rules=(mean.axes_are_constant,),
    types=(
        Typed(("int8",), rules=(sum_fits,)),
        Typed(("int16",), rules=(sum_fits,)),
        Typed(("float32",), lower=mean.of_floats("sum"), sample=sample_float),
    ),
    lower=lower,
    sample=sample,
)
