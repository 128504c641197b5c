"""CLOCK and POWER of the nRF52 family, one block: oscillators start at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.nrf52.tasks import TaskPeripheral

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Host

HFCLKSTART, HFCLKSTOP, LFCLKSTART, LFCLKSTOP = 0x000, 0x004, 0x008, 0x00C
HFCLKSTARTED, LFCLKSTARTED, HFCLKRUN, HFCLKSTAT, LFCLKRUN, LFCLKSTAT = 0x100, 0x104, 0x408, 0x40C, 0x414, 0x418
LFCLKSRC = 0x518
RUNNING, CRYSTAL = 1 << 16, 1


class Clock(TaskPeripheral):
    """0x40000000."""

    def __init__(self, host: Host) -> None:
        super().__init__(host, 0)

    def task(self, offset: int) -> None:
        if offset == HFCLKSTART:
            self.regs |= {HFCLKRUN: 1, HFCLKSTAT: RUNNING | CRYSTAL}
            self.happens(HFCLKSTARTED)
        elif offset == LFCLKSTART:
            self.regs |= {LFCLKRUN: 1, LFCLKSTAT: RUNNING | self.regs.get(LFCLKSRC, 0) & 3}
            self.happens(LFCLKSTARTED)
        elif offset == HFCLKSTOP:
            self.regs |= {HFCLKRUN: 0, HFCLKSTAT: RUNNING}  # on the RC oscillator
        elif offset == LFCLKSTOP:
            self.regs |= {LFCLKRUN: 0, LFCLKSTAT: 0}
