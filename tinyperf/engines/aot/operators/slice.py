"""SLICE: a box out of a tensor. `Part` is one of elements that stand one behind the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Shared, Signature, Work, size_of
from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._constant import numbers
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import MOST, Strided, strided, strides_of

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True)
class Part(Work):
    """`count` of the input's `elements`, from `start` on: the same bytes."""

    elements: int
    start: int
    count: int
    dtype: str

    @property
    def signature(self) -> Signature:
        given, made = ((self.elements,), self.dtype), ((self.count,), self.dtype)
        return Signature((Operand(*given),), (Operand(*made),))

    @property
    def shared(self) -> tuple[Shared, ...]:
        return (Shared(0, 0, self.start * size_of(self.dtype)),)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return (inputs[0][:, self.start : self.start + self.count],)


def box_is_inside(use: Use) -> str | None:
    """Begin and size (-1: what is left) are constant, both int32 or both int64, one for each of at most five
    dimensions; the output has that size.
    """
    shape, kind = use.input(0).shape, use.input(1).dtype
    if kind not in {"int32", "int64"} or kind != use.input(2).dtype:
        return f"begin is {kind}, size {use.input(2).dtype}"
    for tensor in (use.input(1), use.input(2)):
        if tensor.data is None or tensor.elements != len(shape) or len(shape) > MOST:
            return f"tensor {tensor.index} is {tensor.dtype} of shape {list(tensor.shape)} for input {list(shape)}"
    begin, size = numbers(use, 1), numbers(use, 2)
    expected = tuple(n - b if s == -1 else s for n, b, s in zip(shape, begin, size, strict=True))
    inside = all(b >= 0 and b + e <= n for n, b, e in zip(shape, begin, expected, strict=True))
    return None if inside and expected == use.output.shape else f"from {begin}, {size} of {list(shape)}"


def lower(use: Use) -> Strided:
    strides = strides_of(use.input(0).shape)
    start = sum(b * stride for b, stride in zip(numbers(use, 1), strides, strict=True))
    return strided(use.input(0), start, zip(use.output.shape, strides, strict=True))


def sample(random: Random) -> Sample:
    shape = (1, *(random.integer(1, 6) for _ in range(random.integer(1, 3))))
    begin, kind = [random.integer(0, n - 1) for n in shape], random.pick(np.int32, np.int64)
    made = tuple(random.integer(1, n - b) for n, b in zip(shape, begin, strict=True))
    size = [-1 if b + m == n and random.pick(True, False) else m for n, b, m in zip(shape, begin, made, strict=True)]
    given = random.tensor(shape, random.scale())
    parts = (random.constant(np.array(part, kind)) for part in (begin, size))
    return random.use("SLICE", (given, *parts, random.like(given, made)), (0, 1, 2))


OPERATOR = Operator(
    kind="SLICE",
    arity=Arity(3, 3),
    rules=(box_is_inside, codes_are_copied),
    lower=lower,
    sample=sample,
    types=moved("int8", "int16", "int32", "float32", "bool"),
)
