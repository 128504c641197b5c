"""SQUEEZE: the same bytes under a shape without dimensions of 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import EVERY, Arity, Operator, moved, reshape
from tinyperf.engines.aot.operators._rules import codes_are_copied, same_elements

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators._sample import Random, Sample


def sample(random: Random) -> Sample:
    shape = (1, *(random.pick(1, random.integer(1, 5)) for _ in range(random.integer(1, 3))))
    dims = tuple(i for i, n in enumerate(shape) if n == 1 and random.pick(True, False))
    given = random.tensor(shape, random.scale())
    gone = dims or tuple(i for i, n in enumerate(shape) if n == 1)
    made = random.like(given, tuple(n for i, n in enumerate(shape) if i not in gone))
    return random.use("SQUEEZE", (given, made), (0,), {"squeeze_dims": dims})


OPERATOR = Operator(
    kind="SQUEEZE",
    arity=Arity(1, 1),
    rules=(same_elements, codes_are_copied),
    lower=reshape.lower,
    fold=reshape.fold,
    sample=sample,
    types=moved(*EVERY),
)
