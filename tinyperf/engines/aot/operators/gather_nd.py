"""GATHER_ND: parts of the input by constant indices of its first dimensions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._picked import Picked, picked
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import strides_of

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def indices_are_constant(use: Use) -> str | None:
    """Indices are constant int32 in rows, each of one index for as many of the input's first dimensions (at most five).

    The output has one part for each row.
    """
    shape, indices = use.input(0).shape, use.input(1)
    if indices.data is None or indices.dtype != "int32" or not indices.shape:
        return f"index tensor {indices.index} is {'computed' if indices.data is None else indices.dtype}"
    depth = indices.shape[-1]
    if not 1 <= depth <= min(len(shape), 5):
        return f"{depth} indices in a row for {len(shape)} dimensions"
    rows = indices.data.reshape(-1, depth).astype(np.int64)
    if not ((rows >= 0) & (rows < np.array(shape[:depth]))).all():
        return f"indices up to {rows.max(axis=0).tolist()} of {list(shape)}"
    made = (*indices.shape[:-1], *shape[depth:])
    return None if made == use.output.shape else f"output {list(use.output.shape)}, expected {list(made)}"


def lower(use: Use) -> Picked:
    shape, indices = use.input(0).shape, use.input(1).data
    depth = use.input(1).shape[-1]
    strides = strides_of(shape)
    rows = [] if indices is None else (indices.reshape(-1, depth).astype(np.int64) @ np.array(strides[:depth])).tolist()
    return picked(use.input(0), [rows, range(math.prod(shape[depth:]))])


def sample(random: Random) -> Sample:
    shape = (1, *(random.integer(1, 5) for _ in range(random.integer(0, 3))))
    depth = random.integer(1, len(shape))
    many = random.pick((random.integer(1, 6),), (2, random.integer(1, 3)))
    indices = random.generator.integers(0, shape[:depth], (*many, depth)).astype(np.int32)
    given = random.tensor(shape, random.scale())
    made = random.like(given, (*many, *shape[depth:]))
    return random.use("GATHER_ND", (given, random.constant(indices), made), (0, 1))


OPERATOR = Operator(
    kind="GATHER_ND",
    arity=Arity(2, 2),
    rules=(indices_are_constant, codes_are_copied),
    lower=lower,
    sample=sample,
    types=moved("int8", "float32"),
)
