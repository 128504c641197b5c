"""SELECT_V2: elements of the one or the other input, with broadcasting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._broadcast import broadcast_all, shapes_broadcast
from tinyperf.engines.aot.operators._rules import codes_are_copied

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Shape4


@dataclass(frozen=True)
class Select(Work):
    """Element strides of condition, first and second choice over `shape`, 0 where one repeats."""

    shape: Shape4
    strides: tuple[Shape4, ...]
    dtype: str

    @property
    def signature(self) -> Signature:
        condition, first, second = (
            tuple(n if step else 1 for n, step in zip(self.shape, strides, strict=True)) for strides in self.strides
        )
        choices = Operand(first, self.dtype), Operand(second, self.dtype)
        return Signature((Operand(condition, "bool"), *choices), (Operand(self.shape, self.dtype),))

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        made = np.where(*inputs)
        return (np.broadcast_to(made, (len(made), *self.shape)),)


def lower(use: Use) -> Select:
    condition, first, second = (tensor.shape for tensor in use.data)
    return Select(*broadcast_all(condition, first, second), use.output.dtype)


def sample(random: Random) -> Sample:
    """Model inputs, and a constant for one of the three."""
    made = (1, random.integer(1, 3), random.integer(1, 4), random.integer(1, 5))

    def some() -> tuple[int, ...]:
        return tuple(n if random.pick(True, True, False) else 1 for n in made)

    one = random.tensor(made, random.scale(), dtype=random.made)
    shapes = [made, some(), some()]
    turn = random.integer(0, 2)
    condition, first, second = shapes[turn:] + shapes[:turn]
    tensors = [random.tensor(condition, 1.0, dtype="bool"), random.like(one, first), random.like(one, second)]
    held = random.integer(0, 2)
    values = random.codes(*tensors[held].shape, dtype=tensors[held].dtype)
    tensors[held] = random.constant(values, like=None if held == 0 else one)
    return random.use("SELECT_V2", (*tensors, one), (0, 1, 2))


OPERATOR = Operator(
    kind="SELECT_V2",
    arity=Arity(3, 3, data=(0, 3)),
    rules=(shapes_broadcast, codes_are_copied),
    lower=lower,
    sample=sample,
    types=tuple(Typed(("bool", dtype), (dtype,), scales=False) for dtype in ("int8", "int16", "float32")),
)
