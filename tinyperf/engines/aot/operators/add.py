"""ADD, with broadcasting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator
from tinyperf.engines.aot.operators._rules import activation_is_known
from tinyperf.engines.aot.operators._scales import clamp, scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair, Shape4


@dataclass(frozen=True)
class Add(Work):
    """ADD with broadcasting: element strides of both inputs over `shape` (four dimensions), 0 where one repeats.

    Each multiplier is (mantissa, shift) of TFLM; the sum is formed with 20 more bits.
    """

    shape: Shape4
    strides: tuple[Shape4, Shape4]
    zeros: Pair
    multipliers: tuple[Pair, Pair, Pair]
    out_zero: int
    clamp: Pair

    @property
    def elementwise(self) -> bool:
        return self.strides[0] == self.strides[1]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def signature(self) -> Signature:
        first, second = (
            Operand(tuple(n if step else 1 for n, step in zip(self.shape, strides, strict=True)))
            for strides in self.strides
        )
        return Signature((first, second), (Operand(self.shape),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        sides = zip(inputs, self.zeros, self.multipliers, strict=False)
        scaled = [requantized((side.astype(np.int64) - zero) << 20, *factor) for side, zero, factor in sides]
        made = requantized(scaled[0] + scaled[1], *self.multipliers[2]) + self.out_zero
        return (codes(made, *self.clamp),)


def shapes_broadcast(use: Use) -> str | None:
    """Both shapes broadcast to the output's, at most six dimensions; an input may be constant.

    Neighbouring dimensions along which the same inputs repeat count as one, and of these there are at most four.
    """
    shapes = use.input(0).shape, use.input(1).shape
    try:
        made: tuple[int, ...] | None = np.broadcast_shapes(*shapes)
    except ValueError:
        made = None
    if made != use.output.shape or len(made) > 6:
        return f"shapes {list(shapes[0])} and {list(shapes[1])} to {list(use.output.shape)}"
    count = len(_merged(*shapes)[0])
    return None if count <= 4 else f"shapes {list(shapes[0])} and {list(shapes[1])} alternate in {count} groups"


def sum_is_scaled_down(use: Use) -> str | None:
    """The output scale is above 2 x the larger input scale / 2**20 (TFLM demands a ratio below 1)."""
    scales = [t.quantization.scale[0] for t in (use.input(0), use.input(1), use.output) if t.quantization]
    ratio = 2 * max(scales[:2]) / (2**20 * scales[-1])
    return None if ratio < 1 else f"ratio {ratio:g}"


def lower(use: Use) -> Add:
    """micro/kernels/add_common.cc."""
    a, b, out = use.input(0), use.input(1), use.output
    twice = 2 * max(scale(a), scale(b))
    multipliers = (
        quantize_multiplier(scale(a) / twice),
        quantize_multiplier(scale(b) / twice),
        quantize_multiplier(twice / (2**20 * scale(out))),
    )
    shape, strides = _broadcast(a.shape, b.shape)
    return Add(shape, strides, (zero(a), zero(b)), multipliers, zero(out), clamp(use))


def _merged(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[list[int], list[Pair]]:
    """Output dimensions, neighbours that broadcast alike merged, and for each whether `a` and `b` vary along it."""
    rank = max(len(a), len(b))
    sizes: list[int] = []
    kinds: list[Pair] = []
    for x, y in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        if x == y == 1:
            continue
        kind = (int(x > 1), int(y > 1))
        if kinds and kinds[-1] == kind:
            sizes[-1] *= max(x, y)
        else:
            sizes.append(max(x, y))
            kinds.append(kind)
    return sizes, kinds


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[Shape4, tuple[Shape4, Shape4]]:
    """Output dimensions and the strides of both inputs over them."""
    sizes, kinds = _merged(a, b)
    missing = 4 - len(sizes)
    n0, n1, n2, n3 = [1] * missing + sizes
    varies = [(0, 0)] * missing + kinds
    return (n0, n1, n2, n3), (_strides((n0, n1, n2, n3), varies, 0), _strides((n0, n1, n2, n3), varies, 1))


def _strides(shape: Shape4, varies: list[Pair], which: int) -> Shape4:
    step, strides = 1, [0, 0, 0, 0]
    for axis in (3, 2, 1, 0):
        if varies[axis][which]:
            strides[axis] = step
            step *= shape[axis]
    return strides[0], strides[1], strides[2], strides[3]


def sample(random: Random) -> Sample:
    """The model's input plus a constant (of a shape that broadcasts), or plus itself."""
    shape = (1, random.integer(1, 3), random.integer(1, 4), random.integer(1, 5))
    other = tuple(n if random.pick(True, True, False) else 1 for n in shape)[random.integer(0, 3) :]
    scales = random.scale(-3, 0), random.scale(-3, 0)
    tensors = (
        random.tensor(shape, scales[0]),
        random.constant(random.codes(*other), scales[1], random.zero()),
        random.tensor(shape, random.near(max(scales), 1.5)),
    )
    inputs = random.pick((0, 1), (1, 0), (0, 0))
    return random.use("ADD", tensors, inputs, {"fused_activation_function": random.activation()})


OPERATOR = Operator(
    kind="ADD",
    arity=Arity(2, 2, data=(0, 2)),
    rules=(shapes_broadcast, sum_is_scaled_down, activation_is_known),
    lower=lower,
    sample=sample,
)
