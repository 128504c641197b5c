"""MEAN over any axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes, quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import INT8, Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_reduce import ReduceFloat
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample

GROUPS = 5
"""Dimensions, after neighbours that stay or go together are merged."""


@dataclass(frozen=True)
class Mean(Work):
    """MEAN and SUM over any axes: dimensions merged into kept, reduced, kept, reduced, kept."""

    shape: tuple[int, int, int, int, int]
    in_zero: int
    out_zero: int
    multiplier: int
    shift: int
    dtype: str = "int8"

    @property
    def reduced(self) -> int:
        return self.shape[1] * self.shape[3]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.shape, self.dtype),), (Operand(self.shape[::2], self.dtype),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        sums = inputs[0].astype(np.int64).sum(axis=(2, 4)) - self.in_zero * self.reduced
        made = requantized(sums, self.multiplier, self.shift) + self.out_zero
        return (codes(made, *code_range(self.dtype), dtype=self.dtype),)


def axes_are_constant(use: Use) -> str | None:
    """Axes are constant int32 within the input's dimensions; the output has what they leave.

    Neighbouring dimensions that go, or stay, count as one; at most two such groups go.
    """
    shape, axes = use.input(0).shape, use.input(1)
    if axes.data is None or axes.dtype != "int32":
        return f"axis tensor {axes.index} is {axes.dtype}, input {list(shape)}"
    found = axes.data.ravel().astype(int).tolist()
    if not all(-len(shape) <= a < len(shape) for a in found):
        return f"axes {found} of {len(shape)} dimensions"
    kept = [n for i, n in enumerate(shape) if i not in reduced(use)]
    if math.prod(kept) != use.output.elements:
        return f"output {list(use.output.shape)}"
    return None if len(_groups(shape, reduced(use))) <= GROUPS else f"axes {found} of {list(shape)}"


def reduced(use: Use) -> set[int]:
    """The dimensions that go."""
    axes = use.input(1).data
    return set() if axes is None else {int(a) % len(use.input(0).shape) for a in axes.ravel()}


def lower(use: Use) -> Mean:
    """micro/kernels/reduce_common.cc and reference/reduce.h `QuantizedMeanOrSum`."""
    shape = use.input(0).shape
    count = math.prod(shape[i] for i in reduced(use))
    multiplier, shift = quantize_multiplier(scale(use.input(0)) / scale(use.output))
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    zeros = zero(use.input(0)), zero(use.output)
    divided = (multiplier << bits) // count
    return Mean(alternating(shape, reduced(use)), *zeros, divided, shift - bits, use.output.dtype)


def of_floats(function: str, *, average: bool = False) -> Callable[[Use], Work]:
    """What lowers a reduction of float32: sum, max or min; divided by how many numbers one was made of, or not."""

    def lower(use: Use) -> ReduceFloat:
        shape = alternating(use.input(0).shape, reduced(use))
        return ReduceFloat(shape, function, shape[1] * shape[3] if average else 1)

    return lower


def alternating(shape: tuple[int, ...], reduced: set[int]) -> tuple[int, int, int, int, int]:
    """Dimensions merged into kept, reduced, kept, reduced, kept."""
    sizes = _groups(shape, reduced)
    a, b, c, d, e = sizes + [1] * (GROUPS - len(sizes))
    return a, b, c, d, e


def _groups(shape: tuple[int, ...], reduced: set[int]) -> list[int]:
    """Sizes of what stays and what goes, in turns, starting with what stays."""
    sizes = [1]
    for axis, size in enumerate(shape):
        if size > 1 and (len(sizes) % 2 == 0) != (axis in reduced):
            sizes.append(1)
        sizes[-1] *= size
    return sizes


def sample(random: Random) -> Sample:
    shape: tuple[int, ...] = (1, random.integer(1, 5), random.integer(1, 5), random.integer(1, 5))
    axes = random.pick([1, 2], [1], [2], [3], [1, 3], [2, 3], [-1], [2, 1], [1, 2, 3])
    if random.pick(True, False, False, False):
        shape, axes = (*shape, random.integer(1, 3)), random.pick([1, 2], [1, 4], [2, 3, -1], [1, 3])
    keep = random.pick(True, False)
    gone = {a % len(shape) for a in axes}
    made = tuple(1 if i in gone else n for i, n in enumerate(shape) if keep or i not in gone)
    scale_in = random.scale(-3, 0)
    tensors = (
        random.tensor(shape, scale_in),
        random.constant(np.array(axes, np.int32)),
        random.tensor(made, random.near(scale_in, 1)),
    )
    return random.use("MEAN", tensors, (0, 1), {"keep_dims": keep})


OPERATOR = Operator(
    kind="MEAN",
    arity=Arity(2, 2),
    rules=(axes_are_constant,),
    types=(*INT8, Typed(("int16",)), Typed(("float32",), lower=of_floats("sum", average=True))),
    lower=lower,
    sample=sample,
)
