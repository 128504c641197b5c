"""Storages in as few bytes as a search finds: those that live together apart, or one over another as far as it may."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from tinyperf.engines.aot.plan import ALIGNMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tinyperf.engines.aot.plan import Storage

PLACEMENTS = 60_000
"""How many pairs of storages the search looks at, about: a twentieth of a second."""

MOST_TRIES = 300


@dataclass(frozen=True)
class Over:
    """Storage `writer` may lie over storage `reader` if it starts at least `lead` bytes before it; or just so many."""

    writer: int
    reader: int
    lead: int
    exact: bool = False


@dataclass(frozen=True)
class Packed:
    """Offset of every storage, and the bytes in all."""

    offsets: tuple[int, ...]
    bytes: int


ORDERS: tuple[Callable[[Storage], tuple[int, ...]], ...] = (
    lambda s: (-s.size_bytes, s.first),
    lambda s: (-(s.last - s.first), -s.size_bytes),
    lambda s: (s.first, -s.size_bytes),
    lambda s: (-s.last, -s.size_bytes),
    lambda s: (-s.size_bytes * (s.last - s.first + 1), s.first),
)


@lru_cache(maxsize=64)  # cores that need the same scratch have the same plan
def pack(storages: tuple[Storage, ...], over: tuple[Over, ...] = (), alignment: int = ALIGNMENT) -> Packed:
    """The best of several greedy orders, then of orders that differ from the best one by a move.

    Each order places one storage after another at the lowest offset where none of an overlapping life stands in its
    way. The search ends where no packing can be smaller, or after so many tries; it is the same every time.
    """
    pairs = _Pairs(storages, over, alignment)
    orders = [sorted(range(len(storages)), key=lambda i: order(storages[i])) for order in ORDERS]
    packed = [pairs.greedy(order) for order in orders]
    best = min(range(len(orders)), key=lambda i: packed[i].bytes)
    return _moved(pairs, orders[best], packed[best])


def _moved(pairs: _Pairs, order: list[int], best: Packed) -> Packed:
    """Tries to move a storage that ends at the top to an earlier place in the order, or any to any."""
    count, least = len(order), pairs.least_bytes()
    draw = random.Random(0)  # no secret: the same plan every time
    for _ in range(min(MOST_TRIES, PLACEMENTS // max(count, 1) ** 2)):
        if best.bytes <= least:
            break
        top = [p for p, i in enumerate(order) if best.offsets[i] + pairs.storages[i].size_bytes == best.bytes]
        source = draw.choice(top) if draw.random() < 0.5 else draw.randrange(count)
        tried = order[:source] + order[source + 1 :]
        tried.insert(draw.randrange(count), order[source])
        packed = pairs.greedy(tried)
        if packed.bytes <= best.bytes:
            order, best = tried, packed
    return best


@dataclass
class _Pairs:
    """Storages, with what of them lives together and what may lie over another."""

    storages: tuple[Storage, ...]
    over: tuple[Over, ...]
    alignment: int
    together: list[list[int]] = field(init=False)
    leads: dict[tuple[int, int], int] = field(init=False)
    exact: set[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        lives = [(s.first, s.last) for s in self.storages]
        self.together = [
            [j for j, (first, last) in enumerate(lives) if j != i and first <= lives[i][1] and lives[i][0] <= last]
            for i in range(len(lives))
        ]
        self.leads = {(pair.writer, pair.reader): pair.lead for pair in self.over}
        self.exact = {(pair.writer, pair.reader) for pair in self.over if pair.exact}

    def least_bytes(self) -> int:
        """Below this no packing goes: what lives at one moment, outputs over their inputs as far as may be."""
        return max((self._least_at(moment) for moment in {s.first for s in self.storages}), default=0)

    def _least_at(self, moment: int) -> int:
        sizes = [s.size_bytes for s in self.storages]
        needed = sum(s.size_bytes for s in self.storages if s.first <= moment <= s.last)
        for (writer, reader), lead in self.leads.items():
            if self.storages[writer].first == moment:
                both = max(sizes[writer], sizes[reader] + max(lead, 0))
                needed -= max(sizes[writer] + sizes[reader] - both, 0)
        return needed

    def greedy(self, order: list[int]) -> Packed:
        offsets: dict[int, int] = {}
        bottom, top = 0, 0
        for i in order:
            size = self.storages[i].size_bytes
            placed = [j for j in self.together[i] if j in offsets]
            taken = sorted(self._taken(i, j, offsets[j]) for j in placed)
            at = 0
            for low, high in taken:
                if at <= low:
                    break
                at = max(at, -(-high // self.alignment) * self.alignment)
            for other in self._beside(i, placed, offsets):
                if max(top, other + size) - min(bottom, other) < max(top, at + size) - bottom:
                    at = other
            offsets[i] = at
            bottom, top = min(bottom, at), max(top, at + size)
        return Packed(tuple(offsets[i] - bottom for i in range(len(self.storages))), top - bottom)

    def _beside(self, i: int, placed: list[int], offsets: dict[int, int]) -> Iterator[int]:
        """Other offsets for `i`: ahead of its reader just as far as it must, and behind a writer that must be so far
        ahead and no farther.
        """
        for j in placed:
            if (i, j) in self.leads:
                at, exact = offsets[j] - self.leads[i, j], (i, j) in self.exact
            elif (j, i) in self.exact:
                at, exact = offsets[j] + self.leads[j, i], True
            else:
                continue
            below = at // self.alignment * self.alignment
            taken = (self._taken(i, k, offsets[k]) for k in placed if not (exact and k == j))
            if (below == at or not exact) and all(below <= low or high <= below for low, high in taken):
                yield below

    def _taken(self, i: int, j: int, at: int) -> tuple[int, int]:
        """Storage `i` must start at or below the first of these offsets, or at or above the second; `j` stands `at`."""
        low, high = at - self.storages[i].size_bytes, at + self.storages[j].size_bytes
        if (i, j) in self.leads and (i, j) not in self.exact:
            low = max(low, at - self.leads[i, j])
        if (j, i) in self.leads and (j, i) not in self.exact:
            high = min(high, at + self.leads[j, i])
        return low, high
