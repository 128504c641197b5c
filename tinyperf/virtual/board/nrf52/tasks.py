"""Peripherals of the nRF52 family: tasks below 0x100, events from 0x100 on, an interrupt for each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Host

INTENSET, INTENCLR, INTEN = 0x304, 0x308, 0x300
EVENTS = range(0x100, 0x180)


class TaskPeripheral(Peripheral):
    """Base of them: `task` is told which was started, `happens` sets an event."""

    def __init__(self, host: Host, irq: int) -> None:
        super().__init__(host)
        self.irq = irq

    def task(self, offset: int) -> None:
        """A task was started by a write of 1."""

    def changed(self, offset: int) -> None:
        """Another register was written."""

    def happens(self, event: int) -> None:
        """Set an event."""
        self.regs[event] = 1
        self._line()

    def _line(self) -> None:
        enabled = self.regs.get(INTEN, 0)
        active = any(enabled >> (event - EVENTS.start) // 4 & 1 for event in EVENTS[::4] if self.regs.get(event))
        self.host.irq(self.irq, active)

    def read(self, offset: int) -> int:
        if offset in {INTENSET, INTENCLR}:
            return self.regs.get(INTEN, 0)
        value = self.regs.get(offset, 0)
        if offset in EVENTS and self.host.polled(value):
            return self.regs.get(offset, 0)
        return value

    def write(self, offset: int, value: int) -> None:
        if offset < EVENTS.start:
            if value & 1:
                self.task(offset)
            return
        if offset == INTENSET:
            self.regs[INTEN] = self.regs.get(INTEN, 0) | value
        elif offset == INTENCLR:
            self.regs[INTEN] = self.regs.get(INTEN, 0) & ~value
        else:
            self.regs[offset] = value
            self.changed(offset)
        self._line()
