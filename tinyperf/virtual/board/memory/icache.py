"""STM32U5, U3: ICACHE, one cache for code and data of the code region, in front of a flash that reads a whole line.

- 8 KB in lines of 16 bytes, direct-mapped or in two ways as ICACHE_CR.WAYSEL says (after reset: two); hits never wait,
  a missing line comes with the wanted word first, then a word a cycle, and the next can be asked for when it is whole
  (ST, "HAL ICACHE How to Use"; RM0456).
- A missing line waits `request_cycles` + wait states. With the prefetch on, flash reads the line behind it meanwhile:
  that one waits `request_cycles`, or until the read is over, for data also.

RP2040, RP2350: the XIP cache. A line of 8 bytes is one read of the serial flash, of as many wait states as that takes.
RP2350's goes on with the line behind (RP2350 datasheet, 12.14, COOLDOWN): that one waits `chained_states`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.memory.system import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyperf.chip import InstructionCache, Region
    from tinyperf.virtual.board.memory.system import FlashSettings, Touched
    from tinyperf.virtual.board.pipelines.model import Fetch

Stretch = tuple[tuple[int, int], ...]
"""Lines, and the cycles in which they are asked for."""
WORDS = 4
"""Of a line: cycles from the first to the last."""
CODE_REGION = 0x2000_0000


class Icache:
    """See the module."""

    data_line = 0

    def __init__(self, cache: InstructionCache, flash: Region, settings: Callable[[], FlashSettings]) -> None:
        self.counts, self.misses = Counts(), 0
        self.steady = False
        self._cache, self._settings = cache, settings
        self._start, self._end = flash.origin, flash.origin + flash.bytes
        self._line = cache.line_bytes
        self._sets: dict[int, tuple[int, ...]] = {}  # the last used first
        self._ahead, self._ahead_there, self._idle_from = -1, 0, 0
        self._ways, self._mask = 0, -1
        self._wait_states, self._prefetch = 0, False
        self._chained_states = self._chained_cycles = 0
        self._last = -1
        self.begin()

    def begin(self) -> None:
        set_to = self._settings()
        self._wait_states, self._prefetch = set_to.wait_states, set_to.prefetch
        self._chained_states, self._chained_cycles = set_to.chained_states, set_to.chained_cycles
        ways = set_to.ways if set_to.code_cache else 1
        count = self._cache.bytes // self._line // ways if set_to.code_cache else 1
        if (ways, count - 1) != (self._ways, self._mask):
            self._ways, self._mask = ways, count - 1
            self._sets.clear()
            self.misses += 1
            self.steady = ways == 1

    def waits(self, address: int) -> bool:
        return self._start <= address < self._end

    def stretch(self, fetches: Sequence[Fetch]) -> Stretch:
        lines: list[tuple[int, int]] = []
        for fetch in fetches:
            line = fetch.address // self._line
            if self.waits(fetch.address) and (not lines or lines[-1][0] != line):
                lines.append((line, fetch.cycle))
        return tuple(lines)

    def fetch(self, stretch: Stretch, now: int) -> int:
        sets, mask, wait = self._sets, self._mask, 0
        for line, cycle in stretch:
            held = sets.get(line & mask)
            if held is None or held[0] != line:
                missing = self._look(line, now + cycle + wait)
                self.counts.code_misses += missing > 0
                wait += missing
        return wait

    def touch(self, _address: int, _lines: Sequence[Touched], _now: int, _starts: Sequence[int]) -> int:
        return 0

    def read(self, address: int, size: int, now: int) -> int:
        wait = 0
        for line in range(address // self._line, (address + size - 1) // self._line + 1):
            held = self._sets.get(line & self._mask)
            if held is None or held[0] != line:
                missing = self._look(line, now + wait)
                self.counts.data_misses += missing > 0
                wait += missing
        return wait

    def _look(self, line: int, now: int) -> int:
        """A line that was not the last used of its set."""
        held = self._sets.get(line & self._mask, ())
        self._sets[line & self._mask] = (line, *(one for one in held if one != line))[: self._ways]
        return 0 if line in held else self._miss(line, now)

    def _miss(self, line: int, now: int) -> int:
        self.misses += 1
        start = max(now, self._idle_from) + self._cache.request_cycles
        chained = line == self._last + 1 and now - self._idle_from <= self._chained_cycles
        states = self._chained_states if self._chained_cycles and chained else self._wait_states
        there = max(self._ahead_there, start) if self._prefetch and line == self._ahead else start + states
        self._last = line
        self._idle_from = there + WORDS
        if self._prefetch:
            self._ahead, self._ahead_there = line + 1, there + 1 + self._wait_states
        return there - now
