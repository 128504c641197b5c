"""Poolings: the same window, two ways to sum it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_pool import pooled
from tinyperf.engines.aot.operators._rules import activation_is_known
from tinyperf.engines.aot.operators._sample import window_sample
from tinyperf.engines.aot.operators._scales import clamp
from tinyperf.engines.aot.operators._window import (
    images_have_four_dimensions,
    window,
    window_fits,
    windows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair
    from tinyperf.engines.aot.operators._window import Window


@dataclass(frozen=True)
class Pool(Work):
    """AVERAGE_POOL_2D and MAX_POOL_2D."""

    window: Window
    maximum: bool
    clamp: Pair
    dtype: str = "int8"

    @property
    def signature(self) -> Signature:
        given, made = (Operand(shape, self.dtype) for shape in (self.window.in_shape, self.window.out_shape))
        return Signature((given,), (made,))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """Positions outside the image do not take part; the average is rounded, ties away from zero."""
        image = inputs[0].astype(np.int64)
        if self.maximum:
            made = windows(image, self.window, code_range(self.dtype)[0]).max(axis=(3, 4))
        else:
            sums = windows(image, self.window, 0).sum(axis=(3, 4))
            count = windows(np.ones_like(image), self.window, 0).sum(axis=(3, 4))
            made = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
        return (codes(made, *self.clamp, dtype=self.dtype),)


def scales_are_equal(use: Use) -> str | None:
    """Input and output have the same zero point and the same scale (within 1e-6)."""
    a, b = use.input(0).quantization, use.output.quantization
    if a is None or b is None:
        return "no scale"
    same = abs(np.float32(a.scale[0]) - np.float32(b.scale[0])) <= 1e-6 and a.zero_point == b.zero_point
    return None if same else f"scales {a.scale[0]:g} and {b.scale[0]:g}, zero points {a.zero_point} and {b.zero_point}"


def channels_stay(use: Use) -> str | None:
    """The output has the input's channels."""
    given, made = use.input(0).shape, use.output.shape
    return None if given[3] == made[3] else f"{given[3]} channels in, {made[3]} out"


def random_pooling(kind: str) -> Callable[[Random], Sample]:
    """Draws one of that name."""

    def sample(random: Random) -> Sample:
        batch = random.batch()
        kernel = random.integer(1, 4), random.integer(1, 4)
        channels = random.integer(1, 5)
        given, made, options = window_sample(random, kernel, (1, 1))
        image = random.tensor((batch, *given, channels), random.scale(-2, 0))
        options |= {"filter_height": kernel[0], "filter_width": kernel[1]}
        return random.use(kind, (image, random.like(image, (batch, *made, channels))), (0,), options)

    return sample


def pooling(kind: str, *, maximum: bool) -> Operator:
    """The operator of that name."""

    def lower(use: Use) -> Pool:
        return Pool(window(use), maximum, clamp(use), use.output.dtype)

    return Operator(
        kind=kind,
        arity=Arity(1, 1),
        rules=(images_have_four_dimensions, channels_stay, window_fits, activation_is_known),
        types=(
            Typed(("int8",), rules=(scales_are_equal,)),
            Typed(("int16",), rules=(scales_are_equal,)),
            Typed(("float32",), lower=pooled("max" if maximum else "average")),
        ),
        each_image=True,
        lower=lower,
        sample=random_pooling(kind),
    )
