"""Arm's PL011 UART, as RP2040 and RP2350 have it. Source: PL011 TRM (DDI 0183), chapter 3; RP2040 datasheet, 4.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.rp2.atomic import Atomic
from tinyperf.virtual.board.serial_port import SerialPort

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.virtual.board.peripherals import Event, Host

DR, FR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, ICR = (
    0x00,
    0x18,
    0x24,
    0x28,
    0x2C,
    0x30,
    0x34,
    0x38,
    0x3C,
    0x40,
    0x44,
)
BUSY, RXFE, TXFF, RXFF, TXFE = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
RX, TX, TIMEOUT, OVERRUN = 1 << 4, 1 << 5, 1 << 6, 1 << 10
LOST = 1 << 11
"""Of what is read: bytes were lost before."""
FIFO = 32
LEVELS = (1 / 8, 1 / 4, 1 / 2, 3 / 4, 7 / 8)


def _always() -> bool:
    return True


class Pl011(Atomic, SerialPort):
    """Polling, interrupts by level and by time-out, FIFOs. `wired`: a pin leads to the receiver."""

    def __init__(self, host: Host, *, clock: str, irq: int, wired: Callable[[], bool] = _always) -> None:
        super().__init__(host, {CR: 0x300, IFLS: 0x12})
        self.clock, self.irq, self._wired = clock, irq, wired
        self.power_up()

    def power_up(self) -> None:
        super().power_up()
        self._raised = 0
        self._quiet: Event | None = None

    @property
    def listening(self) -> bool:
        """Enabled with the receiver on."""
        return self.regs[CR] & 0x201 == 0x201 and self._wired()

    @property
    def sending(self) -> bool:
        return self.regs[CR] & 0x101 == 0x101

    def baud(self) -> int:
        """Bits per second; 0 while the dividers are not set."""
        divider = 64 * self.regs.get(IBRD, 0) + self.regs.get(FBRD, 0)
        return 4 * self.host.clock_hz(self.clock) // divider if divider else 0

    def depth(self) -> int:
        return FIFO if self.regs.get(LCR_H, 0) & 16 else 1

    def frame_bits(self) -> int:
        lcr = self.regs.get(LCR_H, 0)
        return 7 + (lcr >> 5 & 3) + (lcr >> 1 & 1) + (lcr >> 3 & 1)

    def overrun(self) -> None:
        self._raised |= OVERRUN
        self._received[-1] |= LOST

    def arrived(self) -> None:
        if len(self._received) >= self.depth() * LEVELS[min(self.regs[IFLS] >> 3 & 7, 4)]:
            self._raised |= RX
        self._watch()

    def _watch(self) -> None:
        """32 bit times after the last byte what waits in the FIFO is told of."""
        if self._quiet:
            self._quiet.cancel()
        self._quiet = self.host.at(self.host.now_ps() + 32 * self.byte_ps() // 10, self._timed_out)

    def _timed_out(self) -> None:
        self._quiet = None
        if self._received:
            self._raised |= TIMEOUT
            self.update_line()

    def update_line(self) -> None:
        self.host.irq(self.irq, bool(self._raised & self.regs.get(IMSC, 0)))

    def load(self, offset: int) -> int:
        if offset == FR:
            flags = self._flags()
            return self._flags() if self.host.polled(flags) else flags
        if offset == DR:
            return self._take()
        if offset in {RIS, MIS}:
            return self._raised & (self.regs.get(IMSC, 0) if offset == MIS else 0x7FF)
        return super().load(offset)

    def _flags(self) -> int:
        flags = BUSY * (self._shifting or bool(self._queued))
        flags |= RXFE * (not self._received) | RXFF * (len(self._received) >= self.depth())
        return flags | TXFE * (not self._queued) | TXFF * (len(self._queued) >= self.depth())

    def _take(self) -> int:
        byte = self._received.popleft() if self._received else 0
        if not self._received:
            self._raised &= ~(RX | TIMEOUT)
            self.update_line()
        return byte

    def store(self, offset: int, value: int) -> None:
        if offset == DR:
            self._raised &= ~TX
            self.queue(value)
        elif offset == ICR:
            self._raised &= ~value
        elif offset not in {FR, RIS, MIS}:
            super().store(offset, value)
            self.plan_arrival()
            self.start()
        self.update_line()

    def sent(self) -> None:
        if len(self._queued) <= self.depth() * LEVELS[min(self.regs[IFLS] & 7, 4)]:
            self._raised |= TX
