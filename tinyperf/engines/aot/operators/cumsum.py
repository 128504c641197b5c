"""CUMSUM: the running sum along one dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, int32, quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_sum import CumSumFloat
from tinyperf.engines.aot.operators._scales import Shape3, scale, zero
from tinyperf.engines.aot.operators.add_n import FRACTION_BITS, sum_is_scaled_down

if TYPE_CHECKING:
    from tinyperf.engines.aot.arithmetic import Wide
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True)
class CumSum(Work):
    """Sums along the middle one of three dimensions, from its end on where `reverse`, each without its own entry where
    `exclusive`; 32 bits that overflow, as TFLM's.
    """

    shape: Shape3
    exclusive: bool
    reverse: bool
    in_zero: int
    multiplier: int
    shift: int
    out_zero: int

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.shape),), (Operand(self.shape),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        given = inputs[0].astype(np.int64) - self.in_zero
        given = given[:, :, ::-1] if self.reverse else given
        total: Wide = given.cumsum(axis=2, dtype=np.int64)
        total = total - (given if self.exclusive else 0) - self.in_zero
        made = requantized(int32(total << FRACTION_BITS), self.multiplier, self.shift) + self.out_zero
        return (codes(made[:, :, ::-1] if self.reverse else made),)


def axis_is_constant(use: Use) -> str | None:
    """The axis is one constant int32, a dimension of the input; the output has the input's shape."""
    shape, tensor = use.input(0).shape, use.input(1)
    if tensor.data is None or tensor.dtype != "int32" or tensor.elements != 1:
        return f"axis tensor {tensor.index} is {'computed' if tensor.data is None else tensor.dtype}"
    axis = int(tensor.data.ravel()[0])
    fits = -len(shape) <= axis < len(shape) and use.output.shape == shape
    return None if fits else f"axis {axis} of {list(shape)}, output {list(use.output.shape)}"


def _walk(use: Use) -> tuple[Shape3, bool, bool]:
    """Dimensions before, of and behind the axis; exclusive, reverse."""
    shape, data = use.input(0).shape, use.input(1).data
    axis = 0 if data is None else int(data.ravel()[0]) % len(shape)
    parts = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    return parts, bool(use.number("exclusive")), bool(use.number("reverse"))


def lower(use: Use) -> CumSum:
    """micro/kernels/cumsum.cc. Its sum starts at minus the zero point, not at zero."""
    multiplier = quantize_multiplier(2 * scale(use.input(0)) / (2**20 * scale(use.output)))
    return CumSum(*_walk(use), zero(use.input(0)), *multiplier, zero(use.output))


def lower_float(use: Use) -> CumSumFloat:
    return CumSumFloat(*_walk(use))


def sample(random: Random) -> Sample:
    given_scale = random.scale(-3, 0)
    shape = (1, *(random.integer(1, 6) for _ in range(random.integer(1, 3))))
    if random.pick(True, False, False):
        shape = (1, random.integer(10, 60))
    axis = random.integer(1, len(shape) - 1)
    given = random.tensor(shape, given_scale)
    made = random.tensor(shape, random.near(given_scale * shape[axis] ** 0.5, 1))
    index = random.constant(np.array(random.pick(axis, axis - len(shape)), np.int32))
    options = {"exclusive": random.pick(True, False), "reverse": random.pick(True, False)}
    return random.use("CUMSUM", (given, index, made), (0, 1), options)


OPERATOR = Operator(
    kind="CUMSUM",
    arity=Arity(2, 2),
    rules=(axis_is_constant,),
    types=(Typed(("int8",), rules=(sum_is_scaled_down,)), Typed(("float32",), lower=lower_float)),
    lower=lower,
    sample=sample,
)
