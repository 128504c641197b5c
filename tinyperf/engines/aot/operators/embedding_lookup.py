"""EMBEDDING_LOOKUP: rows of a table."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._taken import Taken

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def rows_are_looked_up(use: Use) -> str | None:
    """Indices are one row of int32; the table has two dimensions or more, and the output a row of it for each index."""
    indices, table, made = use.input(0).shape, use.input(1).shape, use.output.shape
    fits = len(indices) == 1 and len(table) >= 2 and made == (*indices, *table[1:])
    return None if fits else f"indices {list(indices)}, table {list(table)}, output {list(made)}"


def lower(use: Use) -> Taken:
    """micro/kernels/embedding_lookup.cc."""
    table = use.input(1).shape
    return Taken(1, table[0], math.prod(table[1:]), use.input(0).elements, use.output.dtype, indices_first=True)


def sample(random: Random) -> Sample:
    table = (random.integer(1, 9), *(random.integer(1, 5) for _ in range(random.integer(1, 2))))
    count = random.integer(1, 6)
    held = random.tensor(table, random.scale(), dtype=random.made)
    values = random.constant(random.codes(*table, dtype=random.made), like=held)
    indices = random.tensor((count,), 1.0, dtype="int32")
    drawn = random.use("EMBEDDING_LOOKUP", (indices, values, random.like(held, (count, *table[1:]))), (0, 1))
    return replace(drawn, limits={0: (0, table[0] - 1)})


OPERATOR = Operator(
    kind="EMBEDDING_LOOKUP",
    arity=Arity(2, 2, data=(0, 2)),
    rules=(rows_are_looked_up, codes_are_copied),
    lower=lower,
    sample=sample,
    types=tuple(Typed(("int32", dtype), (dtype,), scales=False) for dtype in ("int8", "float32")),
)
