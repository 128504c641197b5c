"""STM32G0: a flash of 64-bit lines without a data cache, and a few lines of code that are kept beside the core.

- A read of flash takes 1 + wait states, one at a time (RM0444, 3.3.4).
- Of code the last two lines are kept, 16 bytes (RM0444, 3.3.5), and the one that was read ahead. A line that is none of
  them is read when the flash is free.
- With the prefetch on, the line behind the one that comes into use is read meanwhile (RM0444, 3.3.5).
- Every load from flash is a read of its own, word by word. It goes first: a prefetch that is under way begins anew.

What the core waits depends on few lines and on a few cycles, so it is woven into the walk of a block: the state is a
value, and `Buffer` follows nothing by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinyperf.virtual.board.memory.system import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyperf.chip import FetchBuffer, Region
    from tinyperf.virtual.board.memory.system import FlashSettings, Touched
    from tinyperf.virtual.board.pipelines.model import Fetch


class Held(NamedTuple):
    """Lines by number. `kept`: the last used last; `there`, `idle`: when `ahead` has come, when flash is free."""

    newest: int = -1
    kept: tuple[int, ...] = ()
    ahead: int = -1
    there: int = 0
    idle: int = 0

    def since(self, cycles: int) -> Held:
        """The same, so many cycles later."""
        return self._replace(there=max(self.there - cycles, 0), idle=max(self.idle - cycles, 0))


class Buffer:
    """See the module."""

    steady, data_line = True, 0

    def __init__(self, buffer: FetchBuffer, flash: Region, settings: Callable[[], FlashSettings]) -> None:
        self.counts, self.misses = Counts(), 0
        self.settings = settings()
        self._read_settings = settings
        self._line, self._lines = buffer.line_bytes, buffer.lines
        self._end = flash.origin + flash.bytes

    def begin(self) -> None:
        self.settings = self._read_settings()

    def waits(self, address: int) -> bool:  # noqa: ARG002  (of a memory system: the walk has it)
        return False

    def stretch(self, fetches: Sequence[Fetch]) -> tuple[()]:  # noqa: ARG002  (likewise)
        return ()

    def fetch(self, stretch: tuple[()], now: int) -> int:  # noqa: ARG002  (likewise)
        return 0

    def read(self, address: int, size: int, now: int) -> int:  # noqa: ARG002  (likewise)
        return 0

    def touch(self, address: int, lines: Sequence[Touched], now: int, starts: Sequence[int]) -> int:  # noqa: ARG002  (likewise)
        return 0

    def enter(self, held: Held, address: int, size: int, now: int) -> tuple[int, Held]:
        """An instruction is wanted in cycle `now`: cycles that it waits, and what is held then."""
        wait = 0
        if address < self._end:
            for line in range(address // self._line, (address + size - 1) // self._line + 1):
                if line != held.newest:
                    waited, held = self._use(held, line, now + wait)
                    wait += waited
        return wait, held

    def load(self, held: Held, words: int, now: int) -> tuple[int, Held]:
        """So many words of flash are loaded in cycle `now`, likewise."""
        waited = words * self.settings.wait_states
        if held.idle <= now:
            return waited, held._replace(idle=now + waited)
        again = now + waited + 1 + self.settings.wait_states
        return waited, held._replace(there=again, idle=again)

    def _use(self, held: Held, line: int, now: int) -> tuple[int, Held]:
        states, prefetch, cached = self.settings[:3]
        there, idle = now, held.idle
        kept = tuple(one for one in held.kept if one != line)
        if line == held.ahead and line not in held.kept:
            there = max(held.there, now)
        elif line not in held.kept:
            there = idle = max(now, idle) + states
        kept = (*kept, line)[-self._lines if cached else -1 :]
        ahead, ahead_there = held.ahead, held.there
        if prefetch and line + 1 not in kept and line + 1 != ahead:
            ahead, ahead_there = line + 1, max(there, idle) + states + 1
            idle = ahead_there
        return there - now, Held(line, kept, ahead, ahead_there, idle)
