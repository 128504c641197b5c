"""CONV_2D in groups: each output channel reads its own part of the input's channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._window import Window, windows

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators._scales import Pair
    from tinyperf.engines.aot.operators._weighted import Channels


@dataclass(frozen=True, eq=False)
class GroupedConv(Work):
    """`weights` int8 [out, kernel_h, kernel_w, in / groups]."""

    window: Window
    weights: npt.NDArray[np.int8]
    channels: Channels
    in_zero: int
    out_zero: int
    clamp: Pair

    @property
    def signature(self) -> Signature:
        return Signature((Operand(self.window.in_shape),), (Operand(self.window.out_shape),))

    @property
    def depth(self) -> int:
        """How many input channels each output channel reads."""
        return int(self.weights.shape[3])

    @property
    def each(self) -> int:
        """Output channels of a group."""
        return len(self.weights) * self.depth // self.window.in_shape[2]

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        seen = windows(inputs[0].astype(np.float64) - self.in_zero, self.window, 0)
        parts = []
        for first in range(0, len(self.weights), self.each):
            read = seen[..., first // self.each * self.depth :][..., : self.depth]
            rows = self.weights[first : first + self.each].reshape(self.each, -1).astype(np.float64)
            parts.append(read.reshape(*read.shape[:3], -1) @ rows.T)
        sums = np.concatenate(parts, axis=-1).astype(np.int64) + self.channels.bias
        made = requantized(sums, self.channels.multiplier.astype(np.int64), self.channels.shift.astype(np.int64))
        return (codes(made + self.out_zero, *self.clamp),)
