"""BATCH_MATMUL: products of matrices, of which both may be computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes, quantize_multiplier, requantized, requantized_wide
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float import ANYTHING
from tinyperf.engines.aot.operators._float_matmul import MatMulFloat
from tinyperf.engines.aot.operators._matrix import Side
from tinyperf.engines.aot.operators._scales import scale, zero
from tinyperf.engines.aot.operators._strided import strides_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair, Shape3

LONGEST = 2**15
"""Products of a sum: as many stay in 32 bits whatever the codes."""


@dataclass(frozen=True, eq=False)
class MatMul(Work):
    """Output [batches, rows, columns]: sums over `depth` of the entries of a row of `left` times one of `right`.

    Of int8 with sums of 32 bits, or of int16 with 64.

    `bias` int32, one per column.
    """

    batches: Shape3
    rows: int
    columns: int
    depth: int
    left: Side
    right: Side
    bias: npt.NDArray[np.int32]
    multiplier: int
    shift: int
    out_zero: int
    clamp: Pair
    dtype: str = "int8"

    @property
    def signature(self) -> Signature:
        given = Operand((self.left.elements,), self.dtype), Operand((self.right.elements,), self.dtype)
        return Signature(given, (Operand((*self.batches, self.rows, self.columns), self.dtype),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        a, b = (
            self._matrices(given, side, count)
            for given, side, count in zip(inputs, (self.left, self.right), (self.rows, self.columns), strict=True)
        )
        sums = (a @ b.swapaxes(-1, -2)).astype(np.int64) + self.bias
        rescale = requantized if self.dtype == "int8" else requantized_wide
        made = rescale(sums, self.multiplier, self.shift) + self.out_zero
        return (codes(made, *self.clamp, dtype=self.dtype),)

    def _matrices(self, given: Data, side: Side, rows: int) -> npt.NDArray[np.float64]:
        """[n, *batches, rows, depth], without the zero point."""
        at = np.zeros(1, np.int64)
        for count, step in zip((*self.batches, rows, self.depth), (*side.batches, side.row, side.entry), strict=True):
            at = at[..., None] + np.arange(count) * step
        return given[:, at[0]].astype(np.float64) - side.zero


def _batches(shape: tuple[int, ...]) -> tuple[int, ...]:
    """All dimensions but the last two; three of them."""
    return (1,) * (5 - len(shape)) + shape[:-2]


def matrices_fit(use: Use) -> str | None:
    """Both inputs have two to five dimensions, of which those before the last two broadcast; rows of one are as long as
    columns of the other (adj_x, adj_y: the transposed matrix counts), at most 32768, and the output is their product.
    """
    a, b, made = use.input(0).shape, use.input(1).shape, use.output.shape
    seen = f"{list(a)} and {list(b)} to {list(made)}"
    if not 2 <= len(a) <= 5 or not 2 <= len(b) <= 5:
        return seen
    rows, depth = a[:-3:-1] if use.number("adj_x") else a[-2:]
    other, columns = b[:-3:-1] if use.number("adj_y") else b[-2:]
    try:
        batches = np.broadcast_shapes(a[:-2], b[:-2])
    except ValueError:
        return seen
    return None if depth == other <= LONGEST and made == (*batches, rows, columns) else seen


def product_is_not_scaled_up(use: Use) -> str | None:
    """The product of the input scales is below 2**15 output scales, of int16 below 2**7."""
    return None if _ratio(use) < (2**15 if use.output.dtype == "int8" else 2**7) else f"ratio {_ratio(use):g}"


def _ratio(use: Use) -> float:
    """`GetQuantizedConvolutionMultipler` of lite/kernels/kernel_util.cc."""
    return scale(use.input(0)) * scale(use.input(1)) / scale(use.output)


def _side(use: Use, position: int, *, turned: bool) -> Side:
    """`turned`: the entries of a sum stand in a column."""
    tensor = use.input(position)
    strides = strides_of(tensor.shape)
    wide = (0,) * (5 - len(tensor.shape)) + tuple(strides[:-2])
    x, y, z = (0 if n == 1 else step for n, step in zip(_batches(tensor.shape), wide, strict=True))
    row, entry = reversed(strides[-2:]) if turned else strides[-2:]
    return Side(tensor.elements, (x, y, z), row, entry, zero(tensor))


def _sizes(use: Use) -> tuple[Shape3, int, int, int, Side, Side]:
    """Batches, rows, columns, depth, and both sides."""
    (x, y, z), (rows, columns) = _batches(use.output.shape), use.output.shape[-2:]
    left = _side(use, 0, turned=bool(use.number("adj_x")))
    right = _side(use, 1, turned=not use.number("adj_y"))
    return (x, y, z), rows, columns, use.input(0).shape[-2 if use.number("adj_x") else -1], left, right


def lower(use: Use) -> MatMul:
    """micro/kernels/batch_matmul.cc."""
    bias, (multiplier, shift) = np.zeros(use.output.shape[-1], np.int32), quantize_multiplier(_ratio(use))
    made, dtype = zero(use.output), use.output.dtype
    return MatMul(*_sizes(use), bias, multiplier, shift, made, code_range(dtype), dtype)


def lower_float(use: Use) -> MatMulFloat:
    return MatMulFloat(*_sizes(use), np.zeros(use.output.shape[-1], np.float32), ANYTHING)


def macs(use: Use) -> int:
    return use.output.elements * use.input(0).shape[-2 if use.number("adj_x") else -1]


def sample(random: Random) -> Sample:
    rows, columns, depth = (random.integer(1, 6) for _ in range(3))
    batches = tuple(random.integer(1, 3) for _ in range(random.integer(0, 2)))
    few = tuple(n if random.pick(True, True, False) else 1 for n in batches)[random.integer(0, len(batches)) :]
    adj_x, adj_y = random.pick(True, False), random.pick(True, False)
    a = (1, *batches, *((depth, rows) if adj_x else (rows, depth)))
    b = (*few, *((columns, depth) if adj_y else (depth, columns)))
    scales = random.scale(-3, 0), random.scale(-3, 0)
    spread = 60 if random.given == "int8" else 2**14
    made = random.near(scales[0] * scales[1] * math.sqrt(depth) * spread, 1)
    right = random.tensor(b, scales[1])
    if random.pick(True, False):
        right = random.constant(random.codes(*b), scales[1], random.zero())
    tensors = random.tensor(a, scales[0]), right, random.tensor((1, *batches, rows, columns), made)
    return random.use("BATCH_MATMUL", tensors, (0, 1), {"adj_x": adj_x, "adj_y": adj_y})


OPERATOR = Operator(
    kind="BATCH_MATMUL",
    arity=Arity(2, 2, data=(0, 2)),
    rules=(matrices_fit,),
    types=(
        Typed(("int8",), rules=(product_is_not_scaled_up,)),
        Typed(("int16",), rules=(product_is_not_scaled_up,)),
        Typed(("float32",), lower=lower_float),
    ),
    lower=lower,
    macs=macs,
    sample=sample,
)
