"""REDUCE_ALL: whether everything along some axes is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import Arity, Operator, Typed, mean
from tinyperf.engines.aot.operators._reduce_extreme import ReduceExtreme

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def lower(use: Use) -> ReduceExtreme:
    """Of bytes that hold 0 or 1 it is the smallest."""
    return ReduceExtreme(mean.alternating(use.input(0).shape, mean.reduced(use)), maximum=False, dtype="bool")


def sample(random: Random) -> Sample:
    drawn = mean.sample(random)
    return random.use("REDUCE_ALL", drawn.tensors, (0, 1), drawn.options)


OPERATOR = Operator(
    kind="REDUCE_ALL",
    arity=Arity(2, 2),
    rules=(mean.axes_are_constant,),
    lower=lower,
    sample=sample,
    types=(Typed(("bool",)),),
)
