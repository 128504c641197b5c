"""BATCH_TO_SPACE_ND: images of which each holds one pixel of every block become one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._blocks import block, blocks_are_constant, image, margins, shapes_follow
from tinyperf.engines.aot.operators._picked import Picked, picked
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import strides_of

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def shapes_fit(use: Use) -> str | None:
    """The output with its margins is cut into blocks; the input has as many images as a block has pixels."""
    return shapes_follow(use, use.output.shape, use.input(0).shape)


def lower(use: Use) -> Picked:
    (batch, height, width, channels), (tall, broad) = image(use.output.shape), block(use)
    (above, _), (left, _) = margins(use)
    each, row, column, _ = strides_of(image(use.input(0).shape))
    rows = [y % tall * broad * batch * each + y // tall * row for y in range(above, above + height)]
    columns = [x % broad * batch * each + x // broad * column for x in range(left, left + width)]
    images = [n * each for n in range(batch)]
    return picked(use.input(0), [images, rows, columns, range(channels)])


def sample(random: Random) -> Sample:
    sizes = [random.integer(1, 3) for _ in range(random.integer(1, 2))]
    deep = [random.integer(1, 3) for _ in sizes]
    pairs = [[random.integer(0, min(1, size * n - 1)), 0] for size, n in zip(sizes, deep, strict=True)]
    space = [size * n - sum(pair) for size, n, pair in zip(sizes, deep, pairs, strict=True)]
    channels = random.integer(1, 4)
    given = random.tensor((int(np.prod(sizes)), *deep, channels), random.scale())
    numbers = (random.constant(np.array(values, np.int32)) for values in (sizes, pairs))
    tensors = (given, *numbers, random.like(given, (1, *space, channels)))
    return random.use("BATCH_TO_SPACE_ND", tensors, (0, 1, 2))


OPERATOR = Operator(
    kind="BATCH_TO_SPACE_ND",
    arity=Arity(3, 3),
    rules=(blocks_are_constant, shapes_fit, codes_are_copied),
    lower=lower,
    sample=sample,
    types=moved("int8", "float32"),
)
