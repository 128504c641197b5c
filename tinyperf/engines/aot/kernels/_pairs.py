"""Weights and channels for kernels on pairs of pixels (tp_conv_pairs_dsp.h): which channels fit, and how they lie."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW
from tinyperf.engines.aot.kernels import Array
from tinyperf.engines.aot.passes.bounds import accumulators

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.operators._weighted import Weighted

    Ints = npt.NDArray[np.int64]

CODES = (INT8_LOW, INT8_HIGH)

SHIFTS = range(7, 16)
"""What TP_PAIRS_FUNCTION can shift by: the zero point stays within 32 bits behind the second pixel's shift."""

SUM_BITS, WEIGHT_BITS = 22, 15
"""|sum| * 2^s and |weight| * 2^(1 + s) stay below powers of two of these."""

LEAST_STEPS, MOST_STEPS = 4, 8
"""Pairs of input channels an iteration; fewer are slow, and with more, a cache of 1 KB cannot hold what goes by once
for every two channels too."""


@dataclass(frozen=True, eq=False)
class Part:
    """Channels of the model that shift right by `shift`, after their weights were scaled by 2^(1 + scale).

    second: of the second of two channels, where that is another shift; else 0.
    """

    shift: int
    channels: Ints
    scale: Ints
    second: int = 0

    @property
    def shifts(self) -> tuple[int, int]:
        """Of the first and the second channel of a pair."""
        return self.shift, self.second or self.shift


def steps_for(taps: int, most: int = MOST_STEPS) -> int:
    """The steps that add the fewest zeros to so many taps; of these, the most."""
    return min(range(LEAST_STEPS, most + 1), key=lambda steps: (filled(taps, steps), -steps))


def filled(taps: int, steps: int) -> int:
    """`taps` rounded up to whole iterations."""
    return -(-taps // (2 * steps)) * 2 * steps


def relu(work: Weighted) -> bool:
    """The lowest code is the zero point: ties of negative results are clamped away."""
    return work.out_zero == INT8_LOW and work.clamp == (INT8_LOW, INT8_HIGH)


def ties(work: Weighted) -> bool:
    """Ties of negative results show: the lowest code is below the zero point."""
    return work.clamp[0] < work.out_zero


def lacks(work: Weighted, bounds: Bounds | None) -> str | None:
    """What the requantization on pairs needs of a work; None where it has it."""
    if bounds is None or parts(work, bounds) is None:
        return "sums of at most 21 bits and right shifts of 1 to 14, proven for every channel"
    return None


def parts(work: Weighted, bounds: Bounds, sum_bits: int = SUM_BITS, shifts: range = SHIFTS) -> list[Part] | None:
    """All channels, in as few parts of one shift as their sums allow; None where a channel fits into no part."""
    right = np.where(work.channels.multiplier == 0, 1, -work.channels.shift.astype(np.int64))
    sums = np.maximum(np.maximum(-bounds.low, bounds.high), 1)
    weights = np.maximum(np.abs(work.rows.astype(np.int64)).max(axis=1), 1)
    room = np.minimum(_doublings(sums, sum_bits), _doublings(weights, WEIGHT_BITS) - 1)
    left = np.flatnonzero(work.channels.multiplier)
    found: list[Part] = []
    while left.size:
        shift = max(int(right[left].max()) + 1, shifts.start)
        fits = left[shift - right[left] <= room[left]]
        highest = right[left].max()
        if shift not in shifts or right[left].min() < 1 or not (right[fits] == highest).any():
            return None
        found.append(Part(shift, fits, shift - right[fits]))
        left = np.setdiff1d(left, fits)
    return _with_zeros(_even(found, right), shifts.start, np.flatnonzero(work.channels.multiplier == 0))


def paired(work: Weighted, bounds: Bounds) -> list[Part] | None:
    """As `parts`; a channel that would be alone is the second of a pair whose first is left over from another part."""
    found = parts(work, bounds)
    for one, other in itertools.permutations(found or [], 2):
        if found and len(one.channels) % 2 and len(other.channels) == 1:
            rest = Part(one.shift, one.channels[:-1], one.scale[:-1])
            channels = np.append(one.channels[-1:], other.channels)
            both = Part(one.shift, channels, np.append(one.scale[-1:], other.scale), other.shift)
            others = [part for part in found if part not in (one, other)]
            return [part for part in (rest, *others, both) if part.channels.size]
    return found


def pairs(work: Weighted) -> list[int]:
    """Pairs of output channels that are computed, of each part: its last one may be half empty."""
    found = paired(work, accumulators(work))
    counts = [len(part.channels) for part in found] if found else [work.rows.shape[0]]
    return [-(-count // 2) for count in counts]


def _even(found: list[Part], right: Ints) -> list[Part]:
    """Of two odd parts, a channel of the first goes to the second where it may: a pair of channels less."""
    for first, second in itertools.combinations(range(len(found)), 2):
        one, other = found[first], found[second]
        fits = np.flatnonzero(right[one.channels] < other.shift)
        if len(one.channels) % 2 and len(other.channels) % 2 and fits.size:
            moved = one.channels[fits[-1]]
            more = np.append(other.channels, moved), np.append(other.scale, other.shift - right[moved])
            found[first] = Part(one.shift, np.delete(one.channels, fits[-1]), np.delete(one.scale, fits[-1]))
            found[second] = Part(other.shift, *more)
    return found


def _with_zeros(found: list[Part], lowest: int, zeros: Ints) -> list[Part]:
    """The channels whose results are all zero, in the last part."""
    last = found.pop() if found else Part(lowest, np.zeros(0, np.int64), np.zeros(0, np.int64))
    channels, scale = np.concatenate([last.channels, zeros]), np.concatenate([last.scale, np.ones_like(zeros)])
    return [*found, Part(last.shift, channels, scale)]


def _doublings(values: Ints, bits: int) -> Ints:
    """How often each may be doubled and still be below 2^bits."""
    exact: Ints = bits - 1 - np.floor(np.log2(values)).astype(np.int64)
    return exact


def named(part: Part) -> str:
    """Its shifts, in the name of its function."""
    return f"{part.shift}_and_{part.second}" if part.second else f"{part.shift}"


def part_rows(names: Sequence[str], given: Sequence[Part], times: int = 1) -> list[str]:
    """Of each part, as struct tp_pairs_part has it: the function and the pairs of channels, each so many times."""
    return [f"{{{name}, {times * -(-len(part.channels) // 2)}}}" for name, part in zip(names, given, strict=True)]


def weights_array(prefix: str, given: list[Part], rows: Ints, steps: int) -> Array:
    """int16 [pair of channels, pair of taps, channel, tap of the pair], scaled; zeros where a pair has one channel.

    Args: rows: weights [output channel, taps] in the order of the input's pairs.
    """
    taps = filled(rows.shape[1], steps)
    wide = np.pad(rows, ((0, 0), (0, taps - rows.shape[1])))
    blocks = []
    for part in given:
        scaled = wide[part.channels] << (1 + part.scale)[:, None]
        even = np.pad(scaled, ((0, len(scaled) % 2), (0, 0)))
        blocks.append(even.reshape(-1, 2, taps // 2, 2).transpose(0, 2, 1, 3).ravel())
    comment = "Weights, times 2^(1 + s) [pair of channels, pair of taps, channel, tap], zeros up to whole iterations."
    return Array(f"{prefix}_weights", "int16_t", np.concatenate(blocks).astype(np.int16), comment)


def channels_array(prefix: str, work: Weighted, given: list[Part], apart_bytes: int) -> Array:
    """`struct tp_pair` of every pair. `apart_bytes`: from the outputs of a channel to those of the next."""
    sums = work.rows.astype(np.int64).sum(axis=1)
    bias = work.channels.bias.astype(np.int64) - work.in_zero * sums
    rows = []
    for part in given:
        c, double = part.channels, 1 << (1 + part.scale)
        first = double * (bias - 128 * sums)[c]
        shift = np.resize(np.array(part.shifts), len(c))
        rounding = (double >> 2) + (1 << (shift - 1)) + (work.out_zero << shift)
        second = first + 256 * double * bias[c]
        fields = np.stack([first, second, work.channels.multiplier[c].astype(np.int64), rounding, apart_bytes * c])
        if len(c) % 2:  # the second channel's outputs are written over by the first one's
            fields = np.pad(fields, ((0, 0), (0, 1)))
            fields[4, -1] = fields[4, -2]
        rows.append(fields.reshape(5, -1, 2).transpose(1, 0, 2).reshape(-1, 10))
    wrapped = np.concatenate(rows).astype(np.uint32).view(np.int32)
    comment = "Of each pair of channels: starts of the sums, multipliers, what is added before the shift, outputs."
    return Array(f"{prefix}_channels", "struct tp_pair", wrapped, comment)
