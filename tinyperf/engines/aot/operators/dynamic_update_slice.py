"""DYNAMIC_UPDATE_SLICE: the input with a part written over it, from computed indices on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._rules import codes_are_copied

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample

MOST = 6
"""Dimensions."""


@dataclass(frozen=True)
class UpdateSlice(Work):
    """`shape` of the whole, `part` of what is written, of as many dimensions as there are indices.

    Indices at which the part would not fit are moved until it does.
    """

    shape: tuple[int, ...]
    part: tuple[int, ...]
    dtype: str
    index: str

    @property
    def signature(self) -> Signature:
        whole, part = Operand(self.shape, self.dtype), Operand(self.part, self.dtype)
        return Signature((whole, part, Operand((len(self.shape),), self.index)), (whole,))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        made = inputs[0].copy()
        for n, first in enumerate(inputs[2].astype(np.int64)):
            starts = np.clip(first, 0, np.array(self.shape) - np.array(self.part))
            made[n][tuple(slice(a, a + m) for a, m in zip(starts, self.part, strict=True))] = inputs[1][n]
        return (made,)


def part_fits(use: Use) -> str | None:
    """The part has as many dimensions as the whole (one to six), none longer, and there is an index for each.

    The output has the shape of the whole.
    """
    whole, part, indices = use.input(0).shape, use.input(1).shape, use.input(2).shape
    fits = (
        1 <= len(whole) <= MOST
        and len(part) == len(whole)
        and all(m <= n for m, n in zip(part, whole, strict=True))
        and indices == (len(whole),)
        and use.output.shape == whole
    )
    return None if fits else f"{list(part)} over {list(whole)} at {list(indices)} to {list(use.output.shape)}"


def lower(use: Use) -> UpdateSlice:
    """micro/kernels/dynamic_update_slice.cc."""
    return UpdateSlice(use.input(0).shape, use.input(1).shape, use.output.dtype, use.input(2).dtype)


def sampler(index: str) -> Callable[[Random], Sample]:
    """Draws one with indices of that type, now and then constant ones; they may lie outside."""

    def sample(random: Random) -> Sample:
        shape = (1, *(random.integer(1, 5) for _ in range(random.integer(0, 4))))
        part = tuple(random.integer(1, n) for n in shape)
        whole, indices = random.tensor(shape, random.scale()), random.tensor((len(shape),), 1.0, dtype=index)
        if random.pick(True, False):
            indices = random.constant(random.generator.integers(-2, 6, len(shape)).astype(index))
        tensors = whole, random.like(whole, part), indices, random.like(whole, shape)
        return replace(random.use("DYNAMIC_UPDATE_SLICE", tensors, (0, 1, 2)), limits={2: (-2, 6)})

    return sample


TYPES = ("int8", "int16", "int32", "float32")
OPERATOR = Operator(
    kind="DYNAMIC_UPDATE_SLICE",
    arity=Arity(3, 3, data=(0, 3)),
    rules=(part_fits, codes_are_copied),
    lower=lower,
    types=tuple(
        Typed((dtype, dtype, index), (dtype,), scales=False, sample=sampler(index))
        for dtype in TYPES
        for index in ("int32", "int64")
    ),
)
