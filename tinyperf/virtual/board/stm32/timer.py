"""Timers of the STM32 families."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.clock import PS
from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Event, Host


class Timer(Peripheral):
    """General-purpose, basic and advanced timers, counting up: CNT, PSC, ARR, update and compare flags, interrupts.

    The counter is computed from virtual time when it is read; events exist only for enabled interrupts.
    """

    CR1, DIER, SR, EGR, CNT, PSC, ARR, CCR1 = 0x00, 0x0C, 0x10, 0x14, 0x24, 0x28, 0x2C, 0x34

    def __init__(self, host: Host, *, clock: str, irq: int, bits: int = 16, irq_compare: int | None = None) -> None:
        mask = (1 << bits) - 1
        super().__init__(host, {self.ARR: mask})
        self.clock, self.irq, self.mask = clock, irq, mask
        self.irq_compare = irq if irq_compare is None else irq_compare
        self._zero()

    def _zero(self) -> None:
        self._count0 = 0  # counter value at _ps0
        self._ps0 = 0
        self._psc = 0  # the prescaler in use; PSC itself is taken over at an update
        self._event: Event | None = None

    def reset(self) -> None:
        super().reset()
        self._zero()

    def _running(self) -> bool:
        return bool(self.regs.get(self.CR1, 0) & 1)

    def _rate(self) -> tuple[int, int]:
        """Counts per picosecond as a fraction."""
        return self.host.clock_hz(self.clock), (self._psc + 1) * PS

    def _period(self) -> int:
        return (self.regs.get(self.ARR, self.mask) & self.mask) + 1

    def _raw(self) -> int:
        """Counts since the counter was 0, overflows not taken off."""
        if not self._running():
            return self._count0
        num, den = self._rate()
        return self._count0 + (self.host.now_ps() - self._ps0) * num // den

    def _settle(self) -> int:
        """Bring flags up to date with time; the counter."""
        raw = self._raw()
        count = raw % self._period() if raw >= self._period() else raw
        if self._running():
            flags = 0
            if raw >= self._period():
                flags |= 1
            for channel in range(4):
                compare = self.regs.get(self.CCR1 + 4 * channel, 0)
                if self._count0 < compare <= raw or (raw >= self._period() and compare <= count):
                    flags |= 2 << channel
            num, den = self._rate()
            # Keep the fraction of a count that has passed: move the anchor by whole counts only.
            self._ps0 += -(-(raw - self._count0) * den // num)
            self._count0 = count
            if flags:
                if flags & 1:
                    self._psc = self.regs.get(self.PSC, 0)
                    if self.regs.get(self.CR1, 0) & 8:  # one-pulse mode
                        self.regs[self.CR1] &= ~1
                        self._count0 = count = 0
                self.regs[self.SR] = self.regs.get(self.SR, 0) | flags
                self._line()
        return count

    def _line(self) -> None:
        active = self.regs.get(self.SR, 0) & self.regs.get(self.DIER, 0)
        if self.irq_compare == self.irq:
            self.host.irq(self.irq, bool(active & 0x1F))
        else:
            self.host.irq(self.irq, bool(active & 1))
            self.host.irq(self.irq_compare, bool(active & 0x1E))

    def _plan(self) -> None:
        """Schedule the next flag that would raise an interrupt."""
        if self._event:
            self._event.cancel()
            self._event = None
        enabled = self.regs.get(self.DIER, 0) & 0x1F & ~self.regs.get(self.SR, 0)
        if not self._running() or not enabled:
            return
        ahead = []
        period = self._period()
        if enabled & 1:
            ahead.append(period - self._count0)
        for channel in range(4):
            if enabled >> (channel + 1) & 1:
                compare = self.regs.get(self.CCR1 + 4 * channel, 0)
                ahead.append(
                    compare - self._count0 if compare > self._count0 else period - self._count0 + min(compare, period)
                )
        num, den = self._rate()
        if num:
            self._event = self.host.at(self._ps0 + -(-max(1, min(ahead)) * den // num), self._due)

    def _due(self) -> None:
        self._event = None
        self._settle()
        self._plan()

    def before_clock_change(self) -> None:
        self._settle()

    def after_clock_change(self) -> None:
        self._plan()

    def read(self, offset: int) -> int:
        if offset == self.CNT:
            self.host.time_was_read()
            return self._settle()
        if offset == self.SR:
            self._settle()
        return self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        count = self._settle()
        if offset == self.SR:
            self.regs[offset] = self.regs.get(offset, 0) & value
        elif offset == self.EGR:
            if value & 1:
                self._psc = self.regs.get(self.PSC, 0)
                self._restart(0)
                if not self.regs.get(self.CR1, 0) & 6:
                    self.regs[self.SR] = self.regs.get(self.SR, 0) | 1
            self.regs[self.SR] = self.regs.get(self.SR, 0) | value & 0x1E
        elif offset == self.CNT:
            self._restart(value & self.mask)
        elif offset == self.CR1:
            self._restart(count)
            self.regs[offset] = value
        else:
            self.regs[offset] = value
        self._line()
        self._plan()

    def _restart(self, count: int) -> None:
        self._count0 = count
        self._ps0 = self.host.now_ps()
