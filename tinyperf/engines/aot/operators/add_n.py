"""ADD_N: the sum of inputs of one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_sum import AddNFloat
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample

MOST = 15
FRACTION_BITS = 19
"""Of the sum: 20, less one as every input is halved."""


@dataclass(frozen=True)
class AddN(Work):
    """`zeros`: what the sum of all codes is when the sum of the numbers is zero."""

    elements: int
    inputs: int
    zeros: int
    multiplier: int
    shift: int
    out_zero: int

    @property
    def signature(self) -> Signature:
        row = Operand((self.elements,))
        return Signature((row,) * self.inputs, (row,))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        total = np.stack(inputs).astype(np.int64).sum(axis=0) - self.zeros
        return (codes(requantized(total << FRACTION_BITS, self.multiplier, self.shift) + self.out_zero),)


def inputs_are_alike(use: Use) -> str | None:
    """There are 2 to 15 inputs (more leave 32 bits), all of the output's shape and of one scale and zero point."""
    for tensor in use.data:
        if tensor.shape != use.output.shape or tensor.quantization != use.data[0].quantization:
            return f"tensor {tensor.index} has shape {list(tensor.shape)} and {tensor.quantization}"
    return None if 2 <= len(use.data) <= MOST else f"{len(use.data)} inputs"


def sum_is_scaled_down(use: Use) -> str | None:
    """The output scale is above 2 x the input scale / 2**20 (TFLM demands a ratio below 1)."""
    ratio = 2 * scale(use.input(0)) / (2**20 * scale(use.output))
    return None if ratio < 1 else f"ratio {ratio:g}"


def lower(use: Use) -> AddN:
    """micro/kernels/add_n.cc. Its sum starts at minus one zero point, not at zero: one more is subtracted."""
    multiplier = quantize_multiplier(2 * scale(use.input(0)) / (2**20 * scale(use.output)))
    count = len(use.data)
    return AddN(use.output.elements, count, (count + 1) * zero(use.input(0)), *multiplier, zero(use.output))


def sample(random: Random) -> Sample:
    """The model's input, now and then twice, and constants."""
    shape = (1, random.integer(1, 4), random.integer(1, 8))
    given = random.tensor(shape, random.scale(-3, 0))
    others = [random.constant(random.codes(*shape), like=given) for _ in range(random.integer(1, 4))]
    made = random.tensor(shape, random.near(scale(given) * len(others), 1))
    order = [int(i) for i in random.generator.permutation(len(others) + 1)]
    return random.use("ADD_N", (given, *others, made), (*order, *random.pick((), (0,))))


def lower_float(use: Use) -> AddNFloat:
    return AddNFloat(use.output.elements, len(use.data))


def sample_float(random: Random) -> Sample:
    shape = (1, random.integer(1, 4), random.integer(1, 8))
    given, made = (random.tensor(shape, 1.0) for _ in range(2))
    others = [random.constant(random.codes(*shape)) for _ in range(random.integer(1, 4))]
    return random.use("ADD_N", (given, *others, made), (*range(len(others), -1, -1), *random.pick((), (0,))))


OPERATOR = Operator(
    kind="ADD_N",
    arity=Arity(2, MOST, data=(0, MOST)),
    rules=(inputs_are_alike,),
    types=(Typed(("int8",), rules=(sum_is_scaled_down,)), Typed(("float32",), lower=lower_float, sample=sample_float)),
    lower=lower,
    sample=sample,
)
