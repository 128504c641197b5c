"""Registers of the RP2040 and its kin, each at four addresses: plainly, and where a write flips, sets or clears bits.

Source: RP2040 datasheet, 2.1.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.virtual.board.peripherals import Host

BLOCK_BYTES = 0x4000


class Atomic(Peripheral):
    """Storage with the four aliases. `reads`: status registers that follow from others, by the registers.

    `clocks`: a write may change a clock.
    """

    def __init__(
        self,
        host: Host,
        resets: dict[int, int] | None = None,
        reads: Mapping[int, Callable[[Mapping[int, int]], int]] | None = None,
        *,
        clocks: bool = False,
    ) -> None:
        super().__init__(host, resets)
        self._reads, self._clocks = reads or {}, clocks

    def read(self, offset: int) -> int:
        offset &= 0xFFF
        status = self._reads.get(offset)
        return status(self.regs) if status else self.load(offset)

    def write(self, offset: int, value: int) -> None:
        alias, offset = offset >> 12, offset & 0xFFF
        if alias:
            old = self.regs.get(offset, 0)
            value = (old ^ value, old | value, old & ~value)[alias - 1]
        if self._clocks:
            self.host.clocks_changed()
        self.store(offset, value & 0xFFFF_FFFF)

    def load(self, offset: int) -> int:
        """A read of a register that is no status."""
        return self.regs.get(offset, 0)

    def store(self, offset: int, value: int) -> None:
        """The write of a whole word that an alias comes to."""
        self.regs[offset] = value
