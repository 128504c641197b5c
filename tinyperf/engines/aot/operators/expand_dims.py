"""EXPAND_DIMS: the same bytes under a shape with one dimension more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, moved, reshape
from tinyperf.engines.aot.operators._rules import codes_are_copied, same_elements

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def axis_is_constant(use: Use) -> str | None:
    """The axis is constant."""
    axis = use.input(1)
    return None if axis.data is not None else f"axis tensor {axis.index} is computed"


def sample(random: Random) -> Sample:
    shape = (1, *(random.integer(1, 5) for _ in range(random.integer(0, 3))))
    axis = random.integer(-len(shape) - 1, len(shape))
    given = random.tensor(shape, random.scale())
    at = axis % (len(shape) + 1)
    made = random.like(given, (*shape[:at], 1, *shape[at:]))
    return random.use("EXPAND_DIMS", (given, random.constant(np.array(axis, np.int32)), made), (0, 1))


OPERATOR = Operator(
    kind="EXPAND_DIMS",
    arity=Arity(2, 2),
    rules=(same_elements, axis_is_constant, codes_are_copied),
    lower=reshape.lower,
    fold=reshape.fold,
    sample=sample,
    types=moved("int8", "int16", "float32"),
)
