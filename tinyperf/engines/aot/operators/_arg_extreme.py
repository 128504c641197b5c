"""ARG_MAX and ARG_MIN: where along one dimension the largest or smallest element stands, the first of equal ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Shape3


@dataclass(frozen=True)
class ArgExtreme(Work):
    """Along the middle one of three dimensions."""

    shape: Shape3
    maximum: bool
    dtype: str

    @property
    def signature(self) -> Signature:
        outer, _, inner = self.shape
        return Signature((Operand(self.shape, self.dtype),), (Operand((outer, inner), "int32"),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/arg_min_max.h; one that is no number is never better, and nothing is better than it."""
        given = inputs[0]
        best, at = given[:, :, 0], np.zeros(given[:, :, 0].shape, np.int32)
        for i in range(1, self.shape[1]):
            better = (np.greater if self.maximum else np.less)(given[:, :, i], best)
            best, at = np.where(better, given[:, :, i], best), np.where(better, np.int32(i), at)
        return (at,)


def axis_is_constant(use: Use) -> str | None:
    """The axis is one constant int32, a dimension of the input; the output has what it leaves."""
    shape, tensor = use.input(0).shape, use.input(1)
    if tensor.data is None or tensor.dtype != "int32" or tensor.elements != 1:
        return f"axis tensor {tensor.index} is {'computed' if tensor.data is None else tensor.dtype}"
    axis = _axis(use)
    if not 0 <= axis < len(shape):
        return f"axis {axis} of {len(shape)} dimensions"
    made = math.prod(shape) // shape[axis]
    return None if use.output.elements == made else f"output {list(use.output.shape)} of {list(shape)}, axis {axis}"


def _axis(use: Use) -> int:
    data, rank = use.input(1).data, len(use.input(0).shape)
    axis = 0 if data is None else int(data.ravel()[0])
    return axis + rank if axis < 0 else axis


def finding(kind: str, *, maximum: bool) -> Operator:
    """The operator of that name."""

    def lower(use: Use) -> ArgExtreme:
        """micro/kernels/arg_min_max.cc."""
        shape, axis = use.input(0).shape, _axis(use)
        parts = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
        return ArgExtreme(parts, maximum, use.input(0).dtype)

    def sample(random: Random) -> Sample:
        shape = (1, *(random.integer(1, 6) for _ in range(random.integer(1, 3))))
        axis = random.integer(0, len(shape) - 1)
        index = random.constant(np.array(random.pick(axis, axis - len(shape)), np.int32))
        made = random.tensor((*shape[:axis], *shape[axis + 1 :]), 1.0, dtype="int32")
        return random.use(kind, (random.tensor(shape, random.scale()), index, made), (0, 1))

    return Operator(
        kind=kind,
        arity=Arity(2, 2),
        rules=(axis_is_constant,),
        lower=lower,
        sample=sample,
        types=tuple(Typed((dtype,), ("int32",), scales=False) for dtype in ("int8", "float32")),
    )
