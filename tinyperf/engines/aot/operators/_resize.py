"""Images in another size: what both ways to resize share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators._window import images_have_four_dimensions

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def size_is_constant(use: Use) -> str | None:
    """The size is constant int32 (height, width), the output has it and as many channels as the input."""
    size, given, made = use.input(1), use.input(0).shape, use.output.shape
    if size.data is None or size.dtype != "int32" or size.elements != 2:
        return f"size tensor {size.index} is {size.dtype} of shape {list(size.shape)}"
    expected = (*size.data.ravel().astype(int).tolist(), given[-1])
    return None if made[1:] == expected else f"output {list(made)} for size {expected[:2]}, input {list(given)}"


def options_agree(use: Use) -> str | None:
    """At most one of align_corners and half_pixel_centers is set."""
    return "both" if use.number("align_corners") and use.number("half_pixel_centers") else None


RESIZING = (images_have_four_dimensions, size_is_constant, options_agree)


def resized(random: Random, kind: str) -> Sample:
    given = random.tensor(
        (random.batch(), random.integer(1, 7), random.integer(1, 7), random.integer(1, 3)), random.scale()
    )
    size = random.integer(1, 12), random.integer(1, 12)
    align, half = random.pick((False, False), (True, False), (False, True))
    tensors = (
        given,
        random.constant(np.array(size, np.int32)),
        random.like(given, (given.shape[0], *size, given.shape[-1])),
    )
    return random.use(kind, tensors, (0, 1), {"align_corners": align, "half_pixel_centers": half})
