"""CONCATENATION along any dimension."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Shared, Signature, Work, size_of
from tinyperf.engines.aot.operators import ANY, Arity, Operator, moved
from tinyperf.engines.aot.operators._rules import codes_are_copied

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True)
class Concatenation(Work):
    """`rows` times: so many elements of each input, one after the other."""

    rows: int
    parts: tuple[int, ...]
    dtype: str

    @property
    def signature(self) -> Signature:
        given = tuple(Operand((self.rows, part), self.dtype) for part in self.parts)
        return Signature(given, (Operand((self.rows, sum(self.parts)), self.dtype),))

    @property
    def shared(self) -> tuple[Shared, ...]:
        """One row after the other is where the parts can be made at once."""
        if self.rows > 1:
            return ()
        starts = (0, *itertools.accumulate(self.parts[:-1]))
        return tuple(Shared(i, 0, -start * size_of(self.dtype)) for i, start in enumerate(starts))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return (np.concatenate(inputs, axis=2),)


def no_activation(use: Use) -> str | None:
    """There is no fused activation."""
    activation = use.text("fused_activation_function")
    return None if activation == "NONE" else activation


def shapes_join(use: Use) -> str | None:
    """The shapes are equal but along the axis, and there the output is as long as all inputs together."""
    made, axis = use.output.shape, use.number("axis")
    if not -len(made) <= axis < len(made):
        return f"axis {axis} of {len(made)} dimensions"
    axis %= len(made)
    rests = {(len(t.shape), t.shape[:axis], t.shape[axis + 1 :]) for t in (*use.data, use.output)}
    fits = len(rests) == 1 and sum(t.shape[axis] for t in use.data) == made[axis]
    return None if fits else f"shapes {[list(t.shape) for t in use.data]} to {list(made)} along axis {axis}"


def lower(use: Use) -> Concatenation:
    made = use.output
    axis = use.number("axis") % len(made.shape)
    parts = tuple(math.prod(tensor.shape[axis:]) for tensor in use.data)
    return Concatenation(math.prod(made.shape[:axis]), parts, made.dtype)


def sample(random: Random) -> Sample:
    """The model's input and constants, in any order; now and then the input twice."""
    shape = (1, *(random.integer(1, 4) for _ in range(random.integer(1, 3))))
    axis = random.integer(0, len(shape) - 1)
    given = random.tensor(shape, random.scale())
    lengths = [random.integer(1, 5) for _ in range(random.integer(0, 3))]
    constants = [random.constant(random.codes(*shape[:axis], n, *shape[axis + 1 :]), like=given) for n in lengths]
    inputs = tuple(random.generator.permutation([0, *random.pick([], [0]), *range(1, 1 + len(constants))]).tolist())
    tensors = (given, *constants)
    length = sum(tensors[i].shape[axis] for i in inputs)
    made = random.like(given, (*shape[:axis], length, *shape[axis + 1 :]))
    options = {"axis": random.pick(axis, axis - len(shape))}
    return random.use("CONCATENATION", (*tensors, made), inputs, options)


OPERATOR = Operator(
    kind="CONCATENATION",
    arity=Arity(1, ANY, data=(0, ANY)),
    rules=(shapes_join, codes_are_copied, no_activation),
    lower=lower,
    sample=sample,
    types=moved("int8", "int16", "int32", "int64", "float32", "bool"),
)
