"""DEPTH_TO_SPACE and SPACE_TO_DEPTH: channels that become a block of pixels, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import Strided, strided, strides_of
from tinyperf.engines.aot.operators._window import images_have_four_dimensions

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def blocks_fit(use: Use) -> str | None:
    """The deep image has block_size x block_size times the channels, the wide one that many times the pixels."""
    block = use.number("block_size")
    deep, wide = sorted((use.input(0).shape, use.output.shape), key=lambda shape: (shape[1], -shape[3]))
    _, height, width, channels = deep
    fits = block >= 1 and wide[1:] == (height * block, width * block, channels // max(block * block, 1))
    return None if fits and channels == wide[3] * block**2 else f"block_size {block}, {list(deep)} and {list(wide)}"


def to_space(use: Use) -> Strided:
    """Output [height, block, width, block, channel] of input [height, width, block, block, channel]."""
    (_, height, width, _), block, channels = use.input(0).shape, use.number("block_size"), use.output.shape[3]
    h, w, y, x, c = strides_of((height, width, block, block, channels))
    return strided(use.input(0), 0, [(height, h), (block, y), (width, w), (block, x), (channels, c)])


def to_depth(use: Use) -> Strided:
    """Output [height, width, block, block, channel] of input [height, block, width, block, channel]."""
    (_, height, width, _), block, channels = use.output.shape, use.number("block_size"), use.input(0).shape[3]
    h, y, w, x, c = strides_of((height, block, width, block, channels))
    return strided(use.input(0), 0, [(height, h), (width, w), (block, y), (block, x), (channels, c)])


def rearranging(kind: str, *, deepen: bool) -> Operator:
    """The operator of that name."""

    def right_way(use: Use) -> str | None:
        """The image becomes deeper or wider, as the name says."""
        deeper = use.output.shape[3] - use.input(0).shape[3]
        return None if deeper == 0 or (deeper > 0) == deepen else f"{list(use.output.shape)}"

    def sample(random: Random) -> Sample:
        batch, (block, height, width, channels) = random.batch(), [random.integer(1, 3) for _ in range(4)]
        wide, deep = (batch, height * block, width * block, channels), (batch, height, width, channels * block**2)
        given = random.tensor(wide if deepen else deep, random.scale())
        made = random.like(given, deep if deepen else wide)
        return random.use(kind, (given, made), (0,), {"block_size": block})

    return Operator(
        kind=kind,
        arity=Arity(1, 1),
        rules=(images_have_four_dimensions, blocks_fit, right_way, codes_are_copied),
        each_image=True,
        lower=to_depth if deepen else to_space,
        sample=sample,
        types=moved("int8", "float32"),
    )
