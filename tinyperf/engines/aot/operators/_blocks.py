"""What SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND share: blocks of pixels that become a batch of images, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators._constant import numbers

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._scales import Pair, Shape4


def image(shape: tuple[int, ...]) -> Shape4:
    """[batch, height, channels] counts as an image of width 1."""
    batch, height, width, channels = shape if len(shape) == 4 else (*shape[:2], 1, shape[2])
    return batch, height, width, channels


def block(use: Use) -> Pair:
    """Height and width."""
    sizes = numbers(use, 1)
    return sizes[0], sizes[1] if len(sizes) > 1 else 1


def margins(use: Use) -> tuple[Pair, Pair]:
    """(above, below) and (left, right): what is added to, or cut off, the wide image."""
    sides = numbers(use, 2)
    return (sides[0], sides[1]), (sides[2], sides[3]) if len(sides) > 2 else (0, 0)


def blocks_are_constant(use: Use) -> str | None:
    """Block sizes and margins are constant int32, one for each of the one or two dimensions between batch and channels;
    margins are not negative.
    """
    between = len(use.input(0).shape) - 2
    for tensor, elements in ((use.input(1), between), (use.input(2), 2 * between)):
        if tensor.data is None or tensor.dtype != "int32" or tensor.elements != elements or between not in {1, 2}:
            return f"tensor {tensor.index} is {tensor.dtype} of shape {list(tensor.shape)} for {between + 2} dimensions"
    if min(block(use)) < 1 or min(min(pair) for pair in margins(use)) < 0:
        return f"blocks {block(use)}, margins {margins(use)}"
    return None


def shapes_follow(use: Use, wide: tuple[int, ...], deep: tuple[int, ...]) -> str | None:
    """Is `deep` the shape that `wide`, with its margins, is cut into?"""
    if len(wide) != len(deep):
        return f"{list(wide)} and {list(deep)} have not as many dimensions"
    (batch, height, width, channels), (tall, broad) = image(wide), block(use)
    high, long = height + sum(margins(use)[0]), width + sum(margins(use)[1])
    expected = (batch * tall * broad, high // tall, long // broad, channels)
    fits = high % tall == 0 and long % broad == 0 and expected == image(deep)
    return None if fits else f"{list(wide)} and {list(deep)}, blocks {block(use)}, margins {margins(use)}"
