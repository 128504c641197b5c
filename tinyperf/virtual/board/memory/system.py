"""What a memory system is: what a chip's memory adds to the core's cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.virtual.board.pipelines.model import Fetch


class FlashSettings(NamedTuple):
    """What the firmware has set: wait states, whether flash reads ahead, which caches are on, and their ways.

    bus_divider: cycles of the core in one of the bus that a cache is filled over. chained_states: what the line behind
    the one read last waits, where it is asked for within `chained_cycles` of that.
    """

    wait_states: int
    prefetch: bool = False
    code_cache: bool = True
    data_cache: bool = True
    ways: int = 1
    bus_divider: int = 1
    chained_states: int = 0
    chained_cycles: int = 0


class Touched(NamedTuple):
    """A line of data: its distance from that of an address, whether a write comes first, and by which instruction."""

    further: int
    written: bool
    position: int


@dataclass
class Counts:
    """What happened since power-on, besides cycles: lines that were missing when code or data asked for them."""

    code_misses: int = 0
    data_misses: int = 0


class MemorySystem(Protocol):
    """Memory as a chip has it. Cycles are the core's, counted from when it was first followed.

    misses: lines that were brought in. steady: what is there stays, in whatever order it is used, until one more is.
    data_line: bytes of a line, where reads and writes of all memories go through a cache (`touch`); 0: only reads that
    wait are followed (`read`).
    """

    counts: Counts
    misses: int
    steady: bool
    data_line: int

    def begin(self) -> None:
        """The core is about to run: take what the firmware has set."""

    def waits(self, address: int) -> bool:
        """An access there may have to wait, and is to be followed."""

    def stretch(self, fetches: Sequence[Fetch]) -> Any:
        """Fetches of one block in the form that `fetch` takes; none of them: what is false."""

    def fetch(self, stretch: Any, now: int) -> int:
        """The core fetches a stretch of a block that begins in cycle `now`; cycles that it waits."""

    def read(self, address: int, size: int, now: int) -> int:
        """A load asks for `size` bytes in cycle `now`; cycles that it waits."""

    def touch(self, address: int, lines: Sequence[Touched], now: int, starts: Sequence[int]) -> int:
        """A block that begins in cycle `now` reads or writes `lines` around `address`; cycles that it waits.

        starts: of its instructions.
        """
