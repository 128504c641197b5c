"""PACK: tensors of one shape side by side along a new dimension."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import ANY, Arity, Operator, moved
from tinyperf.engines.aot.operators._constant import constants
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators.concatenation import Concatenation

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def fold(use: Use) -> npt.NDArray[np.generic] | None:
    data = constants(use)
    return None if data is None else np.stack(data, axis=use.number("axis"))


def shapes_stack(use: Use) -> str | None:
    """All inputs have one shape; the output has it with their number inserted at the axis."""
    shape, made, axis = use.input(0).shape, use.output.shape, use.number("axis")
    if not -len(made) <= axis < len(made):
        return f"axis {axis} of {len(made)} dimensions"
    at = axis % len(made)
    fits = made == (*shape[:at], len(use.data), *shape[at:]) and all(t.shape == shape for t in use.data)
    return None if fits else f"shapes {[list(t.shape) for t in use.data]} to {list(made)} at axis {axis}"


def lower(use: Use) -> Concatenation:
    axis = use.number("axis") % len(use.output.shape)
    part = math.prod(use.input(0).shape[axis:])
    return Concatenation(math.prod(use.output.shape[:axis]), (part,) * len(use.data), use.output.dtype)


def sample(random: Random) -> Sample:
    shape = (1, *(random.integer(1, 4) for _ in range(random.integer(0, 2))))
    given = random.tensor(shape, random.scale())
    constants = [random.constant(random.codes(*shape), like=given) for _ in range(random.integer(0, 2))]
    inputs = tuple(random.generator.permutation([0, *random.pick([], [0]), *range(1, 1 + len(constants))]).tolist())
    axis = random.integer(0, len(shape))
    made = random.like(given, (*shape[:axis], len(inputs), *shape[axis:]))
    options = {"axis": random.pick(axis, axis - len(made.shape)), "values_count": len(inputs)}
    return random.use("PACK", (given, *constants, made), inputs, options)


OPERATOR = Operator(
    kind="PACK",
    arity=Arity(1, ANY, data=(0, ANY)),
    rules=(shapes_stack, codes_are_copied),
    lower=lower,
    fold=fold,
    sample=sample,
    types=moved("int8", "int16", "int32", "int64", "float32"),
)
