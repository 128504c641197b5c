"""What a chip's memory adds to the core's cycles: caches and wait states in front of the flash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinyperf.chip import Chip, FlashCaches, Region


@dataclass
class Counts:
    """What happened since power-on, besides cycles."""

    code_misses: int = 0
    code_sequential: int = 0
    data_misses: int = 0
    data_sequential: int = 0


class MemorySystem(Protocol):
    """Memory as a chip has it. It speaks of lines: whatever is fetched or missed at once."""

    counts: Counts

    def lines(self, address: int, size: int) -> tuple[int, ...]:
        """The lines of `size` bytes; none where an access never waits, and is not to be followed."""

    def fetch(self, lines: Iterable[int]) -> int:
        """The core takes instructions from these lines, one after the other; cycles that it waits."""

    def read(self, lines: Iterable[int]) -> int:
        """The core reads data from these lines; cycles that it waits."""


def memory_system(chip: Chip, wait_states: Callable[[], int]) -> MemorySystem:
    """The memory system of `chip`; `wait_states`: those that the firmware has set.

    Raises: UsageError: nobody has described it.
    """
    if chip.caches is None or chip.memory is None:
        raise UsageError(
            f"nobody has described the flash of the {chip.title} yet, so its cycles cannot be estimated",
            hint="the firmware runs all the same: 'tinyperf console --virtual'; 'caches' in the chip's file says it",
        )
    return CachedFlash(chip.caches, chip.memory.flash, wait_states)


class CachedFlash:
    """Flash behind caches for code and data, or one for both; RAM never waits."""

    def __init__(self, caches: FlashCaches, flash: Region, wait_states: Callable[[], int]) -> None:
        self.counts = Counts()
        self._caches, self._wait_states = caches, wait_states
        self._width = caches.line_bytes
        self._start, self._end = flash.origin, flash.origin + flash.bytes
        self._code: dict[int, None] = {}  # in the order of use
        self._data: dict[int, None] = self._code if caches.shared else {}
        self._data_lines = caches.code_lines if caches.shared else caches.data_lines
        self._fetching = -1
        self._last_code_miss = self._last_data_miss = -2

    def lines(self, address: int, size: int) -> tuple[int, ...]:
        if not self._start <= address < self._end:
            return ()
        return tuple(range(address // self._width, (address + size - 1) // self._width + 1))

    def fetch(self, lines: Iterable[int]) -> int:
        code, cycles = self._code, 0
        for line in lines:
            if line == self._fetching:
                continue
            self._fetching = line
            if line in code:
                del code[line]
                code[line] = None
            else:
                cycles += self._code_miss(line)
        return cycles

    def read(self, lines: Iterable[int]) -> int:
        data, cycles = self._data, 0
        for line in lines:
            if line in data:
                del data[line]
                data[line] = None
            else:
                cycles += self._data_miss(line)
        return cycles

    def miss(self, *, sequential: bool, code: bool) -> int:
        """Cycles that one missing line holds the core up."""
        reads = self._caches.reads
        if not sequential:
            return reads * self._wait_states() + self._caches.restart
        return (reads - 1 if code else reads) * self._wait_states()

    def _code_miss(self, line: int) -> int:
        code, counts = self._code, self.counts
        code[line] = None
        if len(code) > self._caches.code_lines:
            del code[next(iter(code))]
        sequential = line == self._last_code_miss + 1
        self._last_code_miss = line
        counts.code_misses += 1
        counts.code_sequential += sequential
        return self.miss(sequential=sequential, code=True)

    def _data_miss(self, line: int) -> int:
        data, counts = self._data, self.counts
        data[line] = None
        if len(data) > self._data_lines:
            del data[next(iter(data))]
        sequential = line == self._last_data_miss + 1
        self._last_data_miss = line
        counts.data_misses += 1
        counts.data_sequential += sequential
        return self.miss(sequential=sequential, code=False)
