"""UNPACK: a tensor in parts, one for each index of a dimension."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import ANY, Arity, Operator, moved
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._split import Split

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def shapes_unstack(use: Use) -> str | None:
    """There are as many outputs as the axis is long, each of the input's shape without it."""
    shape, axis = use.input(0).shape, use.number("axis")
    if not -len(shape) <= axis < len(shape):
        return f"axis {axis} of {len(shape)} dimensions"
    at = axis % len(shape)
    fits = len(use.outputs) == shape[at] and all(t.shape == (*shape[:at], *shape[at + 1 :]) for t in use.outputs)
    return None if fits else f"{list(shape)} to {[list(t.shape) for t in use.outputs]} at axis {axis}"


def lower(use: Use) -> Split:
    shape = use.input(0).shape
    axis = use.number("axis") % len(shape)
    parts = (math.prod(shape[axis + 1 :]),) * shape[axis]
    return Split(math.prod(shape[:axis]), parts, use.output.dtype)


def sample(random: Random) -> Sample:
    shape = (1, *(random.integer(1, 4) for _ in range(random.integer(1, 3))))
    axis = random.integer(1, len(shape) - 1)
    given = random.tensor(shape, random.scale())
    made = (random.like(given, (*shape[:axis], *shape[axis + 1 :])),) * shape[axis]
    options = {"axis": random.pick(axis, axis - len(shape)), "num": len(made)}
    return random.use("UNPACK", (given, *made), (0,), options, made=len(made))


OPERATOR = Operator(
    kind="UNPACK",
    arity=Arity(1, 1, outputs=ANY),
    rules=(shapes_unstack, codes_are_copied),
    lower=lower,
    sample=sample,
    types=moved("int8", "int16", "int32", "float32"),
)
