"""TRANSPOSE: any order of the dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import MOST, Strided, strided, strides_of

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def order(use: Use) -> list[int]:
    """The input's dimensions in the order of the output's; empty where they are not constant."""
    data = use.input(1).data
    rank = len(use.input(0).shape)
    return [] if data is None else [int(axis) % max(rank, 1) for axis in data.ravel()]


def order_is_constant(use: Use) -> str | None:
    """The order is a constant int32 permutation of the input's dimensions (at most five), and the output has it."""
    shape, tensor = use.input(0).shape, use.input(1)
    if tensor.data is None or tensor.dtype != "int32" or len(shape) > MOST or not shape:
        return f"order tensor {tensor.index} is {tensor.dtype}, input {list(shape)}"
    given = tensor.data.ravel().astype(int).tolist()
    if not all(-len(shape) <= a < len(shape) for a in given) or sorted(order(use)) != list(range(len(shape))):
        return f"order {given} of {len(shape)} dimensions"
    made = tuple(shape[axis] for axis in order(use))
    return None if made == use.output.shape else f"output {list(use.output.shape)}, expected {list(made)}"


def lower(use: Use) -> Strided:
    shape = use.input(0).shape
    strides = strides_of(shape)
    return strided(use.input(0), 0, [(shape[axis], strides[axis]) for axis in order(use)])


def sample(random: Random) -> Sample:
    shape = (1, *(random.integer(1, 5) for _ in range(random.integer(0, 4))))
    permutation = random.generator.permutation(len(shape)).astype(np.int32)
    given = random.tensor(shape, random.scale())
    made = random.like(given, tuple(shape[axis] for axis in permutation))
    return random.use("TRANSPOSE", (given, random.constant(permutation), made), (0, 1))


OPERATOR = Operator(
    kind="TRANSPOSE",
    arity=Arity(2, 2),
    rules=(order_is_constant, codes_are_copied),
    lower=lower,
    sample=sample,
    types=moved("int8", "int16", "float32"),
)
