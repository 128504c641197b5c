"""TIMER of the nRF52 family, in timer mode: it counts 16 MHz / 2^PRESCALER."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.clock import PS
from tinyperf.virtual.board.nrf52.tasks import TaskPeripheral

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Event, Host

START, STOP, CLEAR, CAPTURE, SHUTDOWN = 0x000, 0x004, 0x00C, 0x040, 0x010
COMPARE, BITMODE, PRESCALER, CC = 0x140, 0x508, 0x510, 0x540
CHANNELS = 6
BITS = (16, 8, 24, 32)
SOURCE_HZ = 16_000_000


class Timer(TaskPeripheral):
    """Shorts and counter mode are storage."""

    def __init__(self, host: Host, irq: int) -> None:
        super().__init__(host, irq)
        self._zero()

    def _zero(self) -> None:
        self._running = False
        self._count0, self._ps0 = 0, 0
        self._due: list[Event] = []

    def reset(self) -> None:
        super().reset()
        self._zero()

    def _hz(self) -> int:
        return SOURCE_HZ >> (self.regs.get(PRESCALER, 4) & 15)

    def _period(self) -> int:
        return 1 << BITS[self.regs.get(BITMODE, 0) & 3]

    def _count(self) -> int:
        ticks = (self.host.now_ps() - self._ps0) * self._hz() // PS if self._running else 0
        return (self._count0 + ticks) % self._period()

    def task(self, offset: int) -> None:
        count = self._count()
        if offset in range(CAPTURE, CAPTURE + 4 * CHANNELS):
            self.host.time_was_read()
            self.regs[CC + offset - CAPTURE] = count
            return
        self._count0, self._ps0 = (0 if offset == CLEAR else count), self.host.now_ps()
        if offset in {START, STOP, SHUTDOWN}:
            self._running = offset == START
        self._plan()

    def changed(self, offset: int) -> None:
        if offset in range(CC, CC + 4 * CHANNELS) or offset in {BITMODE, PRESCALER}:
            self._plan()

    def _plan(self) -> None:
        """Schedule the next event of each channel that has been given a value."""
        for event in self._due:
            event.cancel()
        self._due = []
        for channel in range(CHANNELS):
            if self._running and CC + 4 * channel in self.regs:
                self._plan_channel(channel)

    def _plan_channel(self, channel: int) -> None:
        ticks = (self.regs[CC + 4 * channel] - self._count0) % self._period()
        passed = (self.host.now_ps() - self._ps0) * self._hz() // PS
        while ticks <= passed:
            ticks += self._period()
        due = self._ps0 + -(-ticks * PS // self._hz())
        self._due.append(self.host.at(due, lambda: self._reached(channel)))

    def _reached(self, channel: int) -> None:
        self.happens(COMPARE + 4 * channel)
        self._plan()
