"""SPLIT: a tensor in equal parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import ANY, Arity, Operator, moved
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._split import Split, axis_of, random_parts, shapes_split, split

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def parts_are_equal(use: Use) -> str | None:
    """The axis is a constant int32 dimension of the input; the outputs are equal parts of the input along it."""
    if len({tensor.shape for tensor in use.outputs}) > 1:
        return f"outputs {[list(tensor.shape) for tensor in use.outputs]}"
    return shapes_split(use, use.input(1), use.input(0))


def lower(use: Use) -> Split:
    return split(use, use.input(1), axis_of(use.input(1), use.input(0)))


def sample(random: Random) -> Sample:
    count = random.integer(1, 4)
    given, axis, made = random_parts(random, [random.integer(1, 4)] * count)
    return random.use("SPLIT", (given, axis, *made), (1, 0), {"num_splits": count}, made=count)


OPERATOR = Operator(
    kind="SPLIT",
    arity=Arity(2, 2, data=(1, 2), outputs=ANY),
    rules=(parts_are_equal, codes_are_copied),
    lower=lower,
    sample=sample,
    types=moved("int8", "int16", "int32", "float32"),
)
