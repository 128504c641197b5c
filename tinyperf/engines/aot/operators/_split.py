"""SPLIT and SPLIT_V: a tensor in parts along a dimension."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Shared, Signature, Work, size_of

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random
    from tinyperf.tflite import Tensor


@dataclass(frozen=True)
class Split(Work):
    """`rows` times: so many elements for each output, one after the other."""

    rows: int
    parts: tuple[int, ...]
    dtype: str

    @property
    def signature(self) -> Signature:
        made = tuple(Operand((self.rows, part), self.dtype) for part in self.parts)
        return Signature((Operand((self.rows, sum(self.parts)), self.dtype),), made)

    @property
    def shared(self) -> tuple[Shared, ...]:
        """Parts of one row can be read where they are."""
        if self.rows > 1:
            return ()
        starts = (0, *itertools.accumulate(self.parts[:-1]))
        return tuple(Shared(0, i, start * size_of(self.dtype)) for i, start in enumerate(starts))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return tuple(np.split(inputs[0], list(itertools.accumulate(self.parts))[:-1], axis=2))


def axis_of(given: Tensor, tensor: Tensor) -> int | None:
    """The dimension that is split, None where it is not constant or not there."""
    rank = len(given.shape)
    if tensor.data is None or tensor.dtype != "int32" or tensor.elements != 1:
        return None
    axis = int(tensor.data.ravel()[0])
    return axis % rank if -rank <= axis < rank else None


def shapes_split(use: Use, given: Tensor, tensor: Tensor) -> str | None:
    """What is wrong with the axis, which `tensor` holds, or with the outputs' shapes."""
    axis = axis_of(given, tensor)
    if axis is None:
        held = "computed" if tensor.data is None else f"{tensor.dtype} {tensor.data.tolist()}"
        return f"input {list(given.shape)}, axis tensor {tensor.index} is {held}"
    rests = {(len(t.shape), t.shape[:axis], t.shape[axis + 1 :]) for t in (given, *use.outputs)}
    fits = len(rests) == 1 and sum(t.shape[axis] for t in use.outputs) == given.shape[axis]
    return None if fits else f"{list(given.shape)} to {[list(t.shape) for t in use.outputs]} along axis {axis}"


def split(use: Use, given: Tensor, axis: int | None) -> Split:
    at = axis or 0
    parts = tuple(math.prod(tensor.shape[at:]) for tensor in use.outputs)
    return Split(math.prod(given.shape[:at]), parts, given.dtype)


def random_parts(random: Random, sizes: list[int]) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """The model's input, the axis, and outputs that are `sizes` long along it."""
    rest = [1, *(random.integer(1, 4) for _ in range(random.integer(0, 2)))]
    axis = random.integer(1, len(rest))
    given = random.tensor((*rest[:axis], sum(sizes), *rest[axis:]), random.scale())
    made = tuple(random.like(given, (*rest[:axis], size, *rest[axis:])) for size in sizes)
    index = random.pick(axis, axis - len(given.shape))
    return given, random.constant(np.array(index, np.int32)), made
