"""Arm's PL011 UART, as the RP2040 has it. Source: PL011 TRM (DDI 0183), chapter 3; RP2040 datasheet, 4.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.clock import PS
from tinyperf.virtual.board.rp2.atomic import Atomic

if TYPE_CHECKING:
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


class Pl011(Atomic):
    """Polling, interrupts by level and by time-out, FIFOs. Bytes take their time on the line both ways."""

    def __init__(self, host: Host, *, clock: str, irq: int) -> None:
        super().__init__(host, {CR: 0x300, IFLS: 0x12})
        self.clock, self.irq = clock, irq
        self._zero()

    def _zero(self) -> None:
        self._raised = 0
        self._incoming: list[int] = []  # bytes on their way from the host, in reverse
        self._received: list[int] = []
        self._queued: list[int] = []
        self._shifting = False
        self._arrival: Event | None = None
        self._quiet: Event | None = None
        self.last_sent_ps = -1

    def reset(self) -> None:
        super().reset()
        self._zero()

    @property
    def listening(self) -> bool:
        """Enabled with the receiver on."""
        return self.regs[CR] & 0x201 == 0x201

    @property
    def silent(self) -> bool:
        """Nothing is on the line in either direction."""
        return not (self._shifting or self._queued or self._arrival)

    def baud(self) -> int:
        """Bits per second; 0 while the dividers are not set."""
        divider = 64 * self.regs.get(IBRD, 0) + self.regs.get(FBRD, 0)
        return 4 * self.host.clock_hz(self.clock) // divider if divider else 0

    def send_to_firmware(self, data: bytes) -> None:
        """Bytes from the host; they wait while the receiver is off."""
        self._incoming[:0] = data[::-1]
        self._plan_arrival()

    def _depth(self) -> int:
        return FIFO if self.regs.get(LCR_H, 0) & 16 else 1

    def _byte_ps(self) -> int:
        lcr = self.regs.get(LCR_H, 0)
        bits = 7 + (lcr >> 5 & 3) + (lcr >> 1 & 1) + (lcr >> 3 & 1)
        return bits * PS // (self.baud() or 115200)

    def _plan_arrival(self) -> None:
        if self._incoming and self.listening and self._arrival is None:
            self._arrival = self.host.at(self.host.now_ps() + self._byte_ps(), self._arrived)

    def _arrived(self) -> None:
        self._arrival = None
        byte = self._incoming.pop()
        if len(self._received) >= self._depth():
            self._raised |= OVERRUN
            self._received[-1] |= LOST
        else:
            self._received.append(byte)
        if len(self._received) >= self._depth() * LEVELS[min(self.regs[IFLS] >> 3 & 7, 4)]:
            self._raised |= RX
        self._watch()
        self._plan_arrival()
        self._line()

    def _watch(self) -> None:
        """32 bit times after the last byte what waits in the FIFO is told of."""
        if self._quiet:
            self._quiet.cancel()
        self._quiet = self.host.at(self.host.now_ps() + 32 * self._byte_ps() // 10, self._timed_out)

    def _timed_out(self) -> None:
        self._quiet = None
        if self._received:
            self._raised |= TIMEOUT
            self._line()

    def _line(self) -> None:
        self.host.irq(self.irq, bool(self._raised & self.regs.get(IMSC, 0)))

    def load(self, offset: int) -> int:
        if offset == FR:
            flags = BUSY * (not self.silent and (self._shifting or bool(self._queued)))
            flags |= RXFE * (not self._received) | RXFF * (len(self._received) >= self._depth())
            flags |= TXFE * (not self._queued) | TXFF * (len(self._queued) >= self._depth())
            self.host.polled(flags)
            return flags
        if offset == DR:
            return self._take()
        if offset in {RIS, MIS}:
            return self._raised & (self.regs.get(IMSC, 0) if offset == MIS else 0x7FF)
        return super().load(offset)

    def _take(self) -> int:
        byte = self._received.pop(0) if self._received else 0
        if not self._received:
            self._raised &= ~(RX | TIMEOUT)
            self._line()
        return byte

    def store(self, offset: int, value: int) -> None:
        if offset == DR:
            if len(self._queued) < self._depth():
                self._queued.append(value & 0xFF)
            self._raised &= ~TX
            self._start()
        elif offset == ICR:
            self._raised &= ~value
        elif offset not in {FR, RIS, MIS}:
            super().store(offset, value)
            self._plan_arrival()
            self._start()
        self._line()

    def _start(self) -> None:
        if self._queued and not self._shifting and self.regs[CR] & 0x101 == 0x101:
            self._shifting = True
            byte = self._queued.pop(0)
            self.host.at(self.host.now_ps() + self._byte_ps(), lambda: self._sent(byte))

    def _sent(self, byte: int) -> None:
        self._shifting = False
        self.last_sent_ps = self.host.now_ps()
        self.host.received(bytes([byte]))
        self._start()
        if len(self._queued) <= self._depth() * LEVELS[min(self.regs[IFLS] & 7, 4)]:
            self._raised |= TX
        self._line()
