"""FLOOR_DIV and FLOOR_MOD: quotients rounded down, and what they leave."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._broadcast import random_pair, shapes_broadcast
from tinyperf.engines.aot.operators._float_pair import paired

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def nothing_is_divided_by_zero(use: Use) -> str | None:
    """A constant denominator is nowhere zero: TFLM stops there with an error."""
    data = use.input(1).data
    zeros = 0 if data is None else int((data.astype(np.float64) == 0).sum())
    return f"{zeros} of tensor {use.input(1).index}" if zeros else None


def of_quotients(kind: str, function: str) -> Operator:
    """The operator of that name."""

    def sample(random: Random) -> Sample:
        """By constants that are nowhere zero."""
        given, other, made = random_pair(random, kind, max).tensors
        numbers = random.codes(*other.shape).astype(np.float32)
        constant = replace(other, data=np.where(numbers == 0, np.float32(0.3), numbers))
        return random.use(kind, (given, constant, made), (0, 1))

    return Operator(
        kind=kind,
        arity=Arity(2, 2, data=(0, 2)),
        rules=(shapes_broadcast, nothing_is_divided_by_zero),
        types=(Typed(("float32",), lower=paired(function), sample=sample),),
    )
