"""Constants of the exact requantization in two or three instructions (tp_rounding_dsp.h), and the proof of it.

The kernel has 2 * sum in a register. SMMLAR(2 * sum, multiplier, constant) is the sum times the multiplier / 2**31,
rounded as TFLM does it, plus half of 2**n and the zero point; ADD takes 1 from what is negative, for ties away from
zero; SSAT shifts by n and saturates. Where the channels' shifts differ, an LSL brings each to the largest of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.kernels import Array

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.operators._weighted import Weighted

    Wide = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rounding:
    """Per channel, int32: multiplier, constant, left; `shift`: N of SSAT, the same for all.

    ties: negative results must be rounded with care; else the clamp hides them, and the ADD can go.
    """

    multiplier: npt.NDArray[np.int32]
    constant: npt.NDArray[np.int32]
    left: npt.NDArray[np.int32]
    shift: int
    ties: bool

    @property
    def uniform(self) -> bool:
        """The same for every channel."""
        return all(len(np.unique(each)) == 1 for each in (self.multiplier, self.constant, self.left))

    def rows(self, fillers: int = 0) -> npt.NDArray[np.int32]:
        """[channels + fillers, 3], fields of `struct tp_rounding`."""
        rows = np.stack([self.multiplier, self.constant, self.left], axis=1)
        return np.pad(rows, ((0, fillers), (0, 0)))

    def array(self, prefix: str, fillers: int = 0) -> Array:
        comment = "Multiplier, constant and left shift of each output channel."
        return Array(f"{prefix}_rounding", "struct tp_rounding", self.rows(fillers), comment)


MOST = 22
"""Right shift, so that the constant fits 32 bits."""

LACK = "right shifts, and sums that fit 32 bits doubled and scaled, proven for every channel"


def rounding(work: Weighted) -> Rounding:
    """The constants of a work of which `rounding_lacks` says that it lacks nothing."""
    dead = work.channels.multiplier == 0  # a flushed one gives the zero point, whatever the shift
    right = np.where(dead, 1, -work.channels.shift.astype(np.int64))
    shift = int(right.max())
    constant = (np.int64(1) << (right - 1)) + (np.int64(work.out_zero) << right)
    left = (shift - right).astype(np.int32)
    ties = work.clamp[0] < work.out_zero
    return Rounding(work.channels.multiplier, constant.astype(np.int32), left, shift, ties)


def rounding_lacks(work: Weighted, bounds: Bounds | None) -> str | None:
    """What is missing for the proof that nothing leaves 32 bits; every channel must shift right by at least 1."""
    multiplier, shift = work.channels.multiplier.astype(np.int64), work.channels.shift
    if bounds is None or np.any((multiplier != 0) & (shift > -1)) or shift.min() < -MOST:
        return LACK
    made = rounding(work)
    largest = np.where(multiplier == 0, 0, np.maximum(-bounds.low, bounds.high))
    scaled = (largest * multiplier >> 31) + np.abs(made.constant.astype(np.int64)) + 2
    fits = (scaled < np.int64(2**31) >> made.left) & (largest < 2**30)
    return None if fits.all() else LACK
