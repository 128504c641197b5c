"""STM32L4+: two small caches, for code and for data, in front of a flash that reads a part of a line at a time.

- Lines of 32 bytes are filled by four reads of 8 (in the factory's dual bank mode, RM0432, option bit DBANK), each
  taking 1 + wait states; the read that is wanted comes first, and the core goes on as soon as it is there.
- There is one flash: a fill, for code or data, begins when the one before is over. Whoever wants another part of a line
  that is being filled waits for that part.
- With the prefetch on, the first part of the next line of code is read behind a fill for code.
- From the miss to the first read: `request_cycles`.
- The least recently used line goes (fully associative; 4-way would give HALE ad 65,000 misses for 8,800).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.memory.system import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyperf.chip import FlashAccelerator, Region
    from tinyperf.virtual.board.memory.system import FlashSettings, Touched
    from tinyperf.virtual.board.pipelines.model import Fetch

Stretch = tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...]
"""By line: its number, the cycle of the first fetch, and of each part that is wanted its number and cycle."""
FETCH_CYCLES = 2
"""From a word's request to when it can be decoded, without waiting; a load's data have none on top of its own."""


class Accelerator:
    """See the module."""

    steady = False
    data_line = 0

    def __init__(self, caches: FlashAccelerator, flash: Region, settings: Callable[[], FlashSettings]) -> None:
        self.counts, self.misses = Counts(), 0
        self._caches, self._settings = caches, settings
        self._start, self._end = flash.origin, flash.origin + flash.bytes
        self._line, self._part = caches.line_bytes, caches.read_bytes
        self._parts = caches.line_bytes // caches.read_bytes
        self._code: dict[int, None] = {}  # in the order of use
        self._data: dict[int, None] = {}
        self._newest = self._last_missed = -1
        self._filling: dict[tuple[bool, int], tuple[int, int]] = {}  # start of the fill, and the part that comes first
        self._idle_from = 0
        self._filled_code = False
        self.begin()

    def begin(self) -> None:
        set_to = self._settings()
        self._wait_states, self._prefetch = set_to.wait_states, set_to.prefetch
        # Switched off, there is the line that was read last.
        self._code_lines = self._caches.code_lines if set_to.code_cache else 1
        self._data_lines = self._caches.data_lines if set_to.data_cache else 1

    def waits(self, address: int) -> bool:
        return self._start <= address < self._end

    def stretch(self, fetches: Sequence[Fetch]) -> Stretch:
        lines: dict[int, dict[int, int]] = {}
        for fetch in fetches:
            if self.waits(fetch.address):
                parts = lines.setdefault(fetch.address // self._line, {})
                parts.setdefault(fetch.address % self._line // self._part, fetch.cycle)
        return tuple((line, next(iter(parts.values())), tuple(parts.items())) for line, parts in lines.items())

    def fetch(self, stretch: Stretch, now: int) -> int:
        code, wait = self._code, 0
        for line, cycle, parts in stretch:
            if line in code:
                if line != self._newest:
                    del code[line]
                    code[line] = None
                    self._newest = line
                if self._idle_from <= now + cycle + wait or (True, line) not in self._filling:
                    continue
            for part, asked in parts:
                wait += self._fetch_part(line, part, now + asked + wait)
        return wait

    def touch(self, _address: int, _lines: Sequence[Touched], _now: int, _starts: Sequence[int]) -> int:
        return 0

    def read(self, address: int, size: int, now: int) -> int:
        wait = 0
        for unit in range(address // self._part, (address + size - 1) // self._part + 1):
            line, part = divmod(unit, self._parts)
            wait += self._read_part(line, part, now + wait)
        return wait

    def _fetch_part(self, line: int, part: int, now: int) -> int:
        if line not in self._code:
            self._insert(self._code, line, self._code_lines)
            self._newest = line
            self.counts.code_misses += 1
            read_ahead = self._prefetch and self._filled_code and part == 0 and line == self._last_missed + 1
            self._last_missed, self._filled_code = line, True
            self._fill((True, line), part, now + 1, ahead=read_ahead)
        return max(self._there((True, line), part) + 1 - now - FETCH_CYCLES, 0)

    def _read_part(self, line: int, part: int, now: int) -> int:
        data = self._data
        if line in data:
            del data[line]
            data[line] = None
            if self._idle_from <= now:
                return 0
        else:
            self._insert(data, line, self._data_lines)
            self.counts.data_misses += 1
            self._filled_code = False
            self._fill((False, line), part, now, ahead=False)
        return max(self._there((False, line), part) - now, 0)

    @staticmethod
    def _insert(cache: dict[int, None], line: int, lines: int) -> None:
        cache[line] = None
        while len(cache) > lines:
            del cache[next(iter(cache))]

    def _fill(self, line: tuple[bool, int], part: int, now: int, *, ahead: bool) -> None:
        self.misses += 1
        read = self._wait_states + 1
        start = max(now + self._caches.request_cycles, self._idle_from)
        if ahead:
            # Its first part is read right behind the fill before, and there a cycle after it is asked for.
            start = max(self._idle_from + self._wait_states, now) + 1 - read
        if self._idle_from <= now:
            self._filling.clear()
        self._filling[line] = start, part
        self._idle_from = start + read * self._parts

    def _there(self, line: tuple[bool, int], part: int) -> int:
        """The cycle in which a part of a line is there; long ago where the line is not being filled."""
        if line not in self._filling:
            return 0
        start, first = self._filling[line]
        return start + self._wait_states + (self._wait_states + 1) * ((part - first) % self._parts)
