"""Cortex-M7: a cache for code and one for data inside the core, filled over a bus that may be slower; tightly coupled
memories beside them never wait.

- Lines of 32 bytes, 2 ways for code and 4 for data (Arm DDI 0489, "L1 caches"); the least recently used of a set goes.
- Data is followed access by access, in flash and in RAM, reads and writes: a write that misses brings the line in as a
  read does (the default memory map's RAM is write-back, write-allocate), but the core goes on sooner.
- Cycles of a fill are the bus's. From flash: `request_cycles`, then a read of `read_bytes` takes 1 + wait states; the
  one that is wanted comes first, and the core goes on. There is one flash: a fill begins when the one before is over.
- From RAM `ram_cycles`; `write_cycles` where a write has asked for the line. What is written back waits in a buffer.
- A cache that is off has the line that was used last. What the firmware does to invalidate or clean is not followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.memory.system import Counts, Touched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tinyperf.chip import Block, LevelOneCaches
    from tinyperf.virtual.board.memory.system import FlashSettings
    from tinyperf.virtual.board.pipelines.model import Fetch

Stretch = tuple[tuple[int, int, int], ...]
"""Lines, what memory each lies in, and the cycles in which they are asked for."""
FLASH, RAM = 1, 2
"""What lies in 64 KB of memory that is cached."""


class LevelOne:
    """See the module."""

    steady = False

    def __init__(
        self, caches: LevelOneCaches, memories: Sequence[Block], settings: Callable[[], FlashSettings]
    ) -> None:
        self.counts, self.misses = Counts(), 0
        self.data_line = caches.line_bytes
        self._caches, self._settings = caches, settings
        self._bits = caches.line_bytes.bit_length() - 1
        self._kinds = _kinds(caches, memories)
        self._code: list[list[int]] = []  # by set: lines, the last used first
        self._data: list[list[int]] = []
        self._reads = caches.line_bytes // caches.read_bytes
        self._request = self._read = self._ram = self._write = 0
        self._idle_from = 0  # the flash
        self.begin()

    def begin(self) -> None:
        caches, set_to = self._caches, self._settings()
        bus = set_to.bus_divider
        self._request, self._read = bus * caches.request_cycles, bus * (1 + set_to.wait_states)
        self._ram, self._write = bus * caches.ram_cycles, bus * caches.write_cycles
        self._code = self._of_size(self._code, caches.code_bytes, caches.code_ways, on=set_to.code_cache)
        self._data = self._of_size(self._data, caches.data_bytes, caches.data_ways, on=set_to.data_cache)

    def _of_size(self, cache: list[list[int]], size: int, ways: int, *, on: bool) -> list[list[int]]:
        sets, ways = (size // self.data_line // ways, ways) if on else (1, 1)
        if cache and (len(cache), len(cache[0])) == (sets, ways):
            return cache
        self.misses += 1
        return [[-1] * ways for _ in range(sets)]

    def waits(self, _address: int) -> bool:
        return False  # data is followed by `touch`

    def stretch(self, fetches: Sequence[Fetch]) -> Stretch:
        lines: dict[int, tuple[int, int]] = {}
        for fetch in fetches:
            kind = self._kinds.get(fetch.address >> 16, 0)
            if kind:
                lines.setdefault(fetch.address >> self._bits, (kind, fetch.cycle))
        return tuple((line, *rest) for line, rest in lines.items())

    def fetch(self, stretch: Stretch, now: int) -> int:
        sets, wait = self._code, 0
        mask = len(sets) - 1
        for line, kind, cycle in stretch:
            held = sets[line & mask]
            if held[0] != line:
                if line in held:
                    held.remove(line)
                else:
                    held.pop()
                    self.misses += 1
                    self.counts.code_misses += 1
                    wait += self._fill(now + cycle + wait) if kind == FLASH else self._ram
                held.insert(0, line)
        return wait

    def read(self, address: int, size: int, now: int) -> int:
        first, last = address >> self._bits, address + size - 1 >> self._bits
        return self.touch(
            address, tuple(Touched(line, written=False, position=0) for line in range(last - first + 1)), now, (0,)
        )

    def touch(self, address: int, lines: Sequence[Touched], now: int, starts: Sequence[int]) -> int:
        kind = self._kinds.get(address >> 16, 0)
        if not kind:
            return 0
        sets, wait, first = self._data, 0, address >> self._bits
        mask = len(sets) - 1
        for further, written, position in lines:
            line = first + further
            held = sets[line & mask]
            if held[0] != line:
                if line in held:
                    held.remove(line)
                else:
                    held.pop()
                    if kind == FLASH:
                        self.counts.data_misses += 1
                        wait += self._fill(now + starts[position] + wait)
                    else:
                        wait += self._write if written else self._ram
                held.insert(0, line)
        return wait

    def _fill(self, now: int) -> int:
        """Cycles until what is wanted of a line comes from flash."""
        start = max(now + self._request, self._idle_from)
        self._idle_from = start + self._reads * self._read
        return start + self._read - now


def _kinds(caches: LevelOneCaches, memories: Sequence[Block]) -> Mapping[int, int]:
    """By address in 64 KB: what is cached there."""
    return {
        page: RAM if block.kind == "ram" else FLASH
        for block in memories
        if block.name not in caches.tightly_coupled
        for page in range(block.origin >> 16, (block.origin + block.bytes - 1 >> 16) + 1)
    }
