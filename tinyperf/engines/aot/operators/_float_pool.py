"""AVERAGE_POOL_2D, MAX_POOL_2D and L2_POOL_2D of float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._float import LARGEST, clamped, larger, limits, single
from tinyperf.engines.aot.operators._window import window, windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._float import Float, Limits
    from tinyperf.engines.aot.operators._window import Window


@dataclass(frozen=True)
class PoolFloat(Work):
    """`pooling`: average, max or l2. Positions outside the image do not take part."""

    window: Window
    pooling: str
    clamp: Limits

    @property
    def signature(self) -> Signature:
        ends = self.window.in_shape, self.window.out_shape
        given, made = (Operand(shape, "float32") for shape in ends)
        return Signature((given,), (made,))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        image = single(inputs[0])
        kernel = self.window.kernel[0] * self.window.kernel[1]
        seen, inside = (
            windows(given, self.window, 0).reshape(len(given), *self.window.out_shape[:2], kernel, -1)
            for given in (image, np.ones_like(image[:1, ..., :1]))
        )
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            return (clamped(self._pooled(seen, inside > 0), self.clamp),)

    def _pooled(self, seen: Float, inside: Data) -> Float:
        made = np.full((*seen.shape[:3], seen.shape[4]), -LARGEST if self.pooling == "max" else 0, np.float32)
        for tap in range(seen.shape[3]):
            each = seen[..., tap, :]
            next_one = larger(made, each) if self.pooling == "max" else made + (each * each if self._l2 else each)
            made = single(np.where(inside[..., tap, :], next_one, made))
        if self.pooling == "max":
            return made
        mean = made / inside.sum(axis=3).astype(np.float32)
        return single(np.sqrt(mean) if self._l2 else mean)

    @property
    def _l2(self) -> bool:
        return self.pooling == "l2"


def pooled(pooling: str) -> Callable[[Use], Work]:
    """What lowers such a pooling."""

    def lower(use: Use) -> PoolFloat:
        return PoolFloat(window(use), pooling, limits(use))

    return lower
