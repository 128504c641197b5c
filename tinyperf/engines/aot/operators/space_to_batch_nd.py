"""SPACE_TO_BATCH_ND: every so many pixels become an image of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._blocks import block, blocks_are_constant, image, margins, shapes_follow
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._scales import zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair, Shape4


@dataclass(frozen=True)
class SpaceToBatch(Work):
    """Images [batch, height, width, channels]; `before`: rows and columns of `value` above and to the left."""

    in_shape: Shape4
    out_shape: Shape4
    block: Pair
    before: Pair
    value: int
    dtype: str

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.in_shape, self.dtype),), (Operand(self.out_shape, self.dtype),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        count, (batch, height, width, channels) = len(inputs[0]), self.in_shape
        (tall, broad), (above, left) = self.block, self.before
        rows, columns = self.out_shape[1:3]
        wide = np.full((count, batch, rows * tall, columns * broad, channels), self.value, inputs[0].dtype)
        wide[:, :, above : above + height, left : left + width] = inputs[0]
        parts = wide.reshape(count, batch, rows, tall, columns, broad, channels)
        return (parts.transpose(0, 3, 5, 1, 2, 4, 6),)


def shapes_fit(use: Use) -> str | None:
    """The input with its margins is cut into blocks; the output has as many images as a block has pixels."""
    return shapes_follow(use, use.input(0).shape, use.output.shape)


def lower(use: Use) -> SpaceToBatch:
    (above, _), (left, _) = margins(use)
    return SpaceToBatch(
        image(use.input(0).shape),
        image(use.output.shape),
        block(use),
        (above, left),
        zero(use.output),
        use.output.dtype,
    )


def warn(use: Use) -> str:
    """micro/kernels/space_to_batch_nd.cc never sets `output_offset`, which it fills margins with."""
    if not any(sum(pair) for pair in margins(use)):
        return ""
    return (
        f"op {use.op.index} SPACE_TO_BATCH_ND: TFLM fills the margins with a code that it never sets; this code, as "
        "TensorFlow Lite, with the zero point"
    )


def sample(random: Random) -> Sample:
    """Without margins: TFLM fills them with what memory holds."""
    sizes = [random.integer(1, 3) for _ in range(random.integer(1, 2))]
    deep, channels = [random.integer(1, 3) for _ in sizes], random.integer(1, 4)
    given = random.tensor((1, *(size * n for size, n in zip(sizes, deep, strict=True)), channels), random.scale())
    made = random.like(given, (int(np.prod(sizes)), *deep, channels))
    numbers = (random.constant(np.array(values, np.int32)) for values in (sizes, [[0, 0]] * len(sizes)))
    return random.use("SPACE_TO_BATCH_ND", (given, *numbers, made), (0, 1, 2))


OPERATOR = Operator(
    kind="SPACE_TO_BATCH_ND",
    arity=Arity(3, 3),
    rules=(blocks_are_constant, shapes_fit, codes_are_copied),
    lower=lower,
    warn=warn,
    sample=sample,
    types=moved("int8", "float32"),
)
