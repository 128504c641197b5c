"""L2_NORMALIZATION over the last dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_rows import L2NormalizationFloat, shape_of
from tinyperf.engines.aot.operators._inverse_root import inverse_root
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero
from tinyperf.engines.aot.operators.concatenation import no_activation
from tinyperf.engines.aot.operators.softmax import has_a_dimension

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample

OUTPUT_BITS = 7
LONGEST_ROW = (2**31 - 1) // 255**2


@dataclass(frozen=True)
class L2Normalization(Work):
    """`rows` of `depth` entries, each divided by the root of the sum of the row's squares, in 128ths."""

    rows: int
    depth: int
    in_zero: int

    @property
    def signature(self) -> Signature:
        rows = (Operand((self.rows, self.depth)),)
        return Signature(rows, rows)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/integer_ops/l2normalization.h."""
        given = inputs[0].astype(np.int64) - self.in_zero
        sums = (given**2).sum(axis=-1, keepdims=True)
        roots = np.array([inverse_root(int(n)) for n in sums.ravel()], np.int64).reshape(*sums.shape, 2)
        return (codes(requantized(given, roots[..., 0], OUTPUT_BITS - roots[..., 1])),)


def row_is_short(use: Use) -> str | None:
    """There are one to four dimensions, the last one of at most 33025 entries: more leave 32 bits."""
    shape = use.input(0).shape
    return None if 1 <= len(shape) <= 4 and shape[-1] <= LONGEST_ROW else f"input {list(shape)}"


def warn(use: Use) -> str:
    if use.output.dtype != "int8" or (scale(use.output) == 2**-OUTPUT_BITS and zero(use.output) == 0):
        return ""
    return (
        f"op {use.op.index} L2_NORMALIZATION has an output with {use.output.quantization}: TFLM's codes are 128ths "
        "whatever the file says, and so are these"
    )


def lower(use: Use) -> L2Normalization:
    shape = use.input(0).shape
    return L2Normalization(math.prod(shape[:-1]), shape[-1], zero(use.input(0)))


def lower_float(use: Use) -> L2NormalizationFloat:
    return L2NormalizationFloat(*shape_of(use))


def sample(random: Random) -> Sample:
    shape = random.pick((1, random.integer(1, 40)), (1, 2, 3, random.integer(1, 6)), (1, random.integer(1, 6)))
    tensors = random.tensor(shape, random.scale()), random.tensor(shape, 1 / 128, 0)
    return random.use("L2_NORMALIZATION", tensors, (0,))


OPERATOR = Operator(
    kind="L2_NORMALIZATION",
    arity=Arity(1, 1),
    rules=(same_elements, has_a_dimension, no_activation),
    types=(Typed(("int8",), rules=(row_is_short,)), Typed(("float32",), lower=lower_float)),
    lower=lower,
    warn=warn,
    sample=sample,
)
