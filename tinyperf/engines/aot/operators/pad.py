"""PAD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._scales import zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Shape4


@dataclass(frozen=True)
class PadImage(Work):
    """PAD and PADV2 over four dimensions: `before` in each, `value` (of `dtype`) everywhere outside."""

    in_shape: Shape4
    out_shape: Shape4
    before: Shape4
    value: float
    dtype: str

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.in_shape, self.dtype),), (Operand(self.out_shape, self.dtype),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        made = np.full((len(inputs[0]), *self.out_shape), self.value, self.dtype)
        inside = tuple(slice(b, b + n) for b, n in zip(self.before, self.in_shape, strict=True))
        made[:, *inside] = inputs[0]
        return (made,)


def paddings_are_constant(use: Use) -> str | None:
    """Paddings are a constant int32 pair for each of at most four dimensions, none negative; they give the output."""
    shape, paddings = use.input(0).shape, use.input(1)
    if paddings.data is None or paddings.dtype != "int32" or paddings.elements != 2 * len(shape) or len(shape) > 4:
        return f"paddings of shape {list(paddings.shape)} {paddings.dtype} for input {list(shape)}"
    if not shape:
        return "no dimension"
    pairs = paddings.data.reshape(-1, 2).astype(int)
    made = tuple(n + int(a + b) for n, (a, b) in zip(shape, pairs, strict=True))
    return None if pairs.min() >= 0 and made == use.output.shape else f"paddings {pairs.tolist()}"


def lower(use: Use) -> PadImage:
    """micro/kernels/pad.cc: without a value, what is outside is 0, of int8 the output's zero point."""
    return padded(use, zero(use.output) if use.output.dtype == "int8" else 0)


def padded(use: Use, value: float) -> PadImage:
    shape, paddings = use.input(0).shape, use.input(1).data
    lead = 4 - len(shape)
    before = [int(p) for p in paddings.reshape(-1, 2)[:, 0]] if paddings is not None else []
    given, made = _four((1,) * lead + shape), _four((1,) * lead + use.output.shape)
    return PadImage(given, made, _four((0,) * lead + tuple(before)), value, use.output.dtype)


def _four(values: tuple[int, ...]) -> Shape4:
    a, b, c, d = values
    return a, b, c, d


def sample(random: Random) -> Sample:
    shape = (1, random.integer(1, 4), random.integer(1, 4), random.integer(1, 4))[: random.integer(2, 4)]
    pairs = np.array([[0, 0]] + [[random.integer(0, 2), random.integer(0, 2)] for _ in shape[1:]], np.int32)
    image = random.tensor(shape, random.scale())
    made = random.like(image, tuple(n + int(a + b) for n, (a, b) in zip(shape, pairs, strict=True)))
    return random.use("PAD", (image, random.constant(pairs), made), (0, 1))


OPERATOR = Operator(
    kind="PAD",
    arity=Arity(2, 2),
    rules=(paddings_are_constant,),
    lower=lower,
    sample=sample,
    types=moved("int8", "int16", "int32", "float32"),
)
