"""USART and LPUART of the newer STM32 families."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.clock import PS
from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.virtual.board.peripherals import Event, Host


class Uart(Peripheral):
    """USART and LPUART with separate ISR and ICR (STM32 F0, F3, F7, L4, G0, U5, ...): polling, interrupts, DMA, FIFO.

    Bytes take their time on the line both ways: start, data and stop bits at the rate that BRR and the clock give.
    Reception overruns as the hardware does when the firmware is too slow.
    """

    CR1, CR2, CR3, BRR, RQR, ISR, ICR, RDR, TDR, PRESC = 0x00, 0x04, 0x08, 0x0C, 0x18, 0x1C, 0x20, 0x24, 0x28, 0x2C
    ORE, IDLE, RXNE, TC, TXE, CMF = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 17
    PRESCALERS = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)

    def __init__(self, host: Host, *, clock: str, irq: int, low_power: bool = False) -> None:
        super().__init__(host)
        self.clock, self.irq, self.low_power = clock, irq, low_power
        self.rx_request: Callable[[], None] | None = None
        self.tx_request: Callable[[], None] | None = None
        self._zero()

    def _zero(self) -> None:
        self._flags = self.TC | self.TXE
        self._incoming: list[int] = []  # bytes on their way from the host, in reverse
        self._received: list[int] = []  # waiting in the data register or the FIFO
        self._queued: list[int] = []  # written by the firmware, not yet in the shift register
        self._shifting = False
        self._arrival: Event | None = None
        self._line_idle: Event | None = None
        self.last_sent_ps = -1

    def reset(self) -> None:
        super().reset()
        self._zero()

    @property
    def listening(self) -> bool:
        """Enabled with the receiver on."""
        return self.regs.get(self.CR1, 0) & 5 == 5

    @property
    def silent(self) -> bool:
        """Nothing is on the line in either direction."""
        return not (self._shifting or self._queued or self._arrival)

    def baud(self) -> int:
        """Bits per second; 0 while BRR is not set."""
        brr = self.regs.get(self.BRR, 0)
        clock = self.host.clock_hz(self.clock) // self.PRESCALERS[min(self.regs.get(self.PRESC, 0) & 15, 11)]
        if not brr:
            return 0
        if self.low_power:
            return 256 * clock // brr
        if self.regs.get(self.CR1, 0) & 1 << 15:  # OVER8
            return 2 * clock // (brr & 0xFFF0 | (brr & 7) << 1)
        return clock // brr

    def byte_ps(self) -> int:
        """Time of one frame on the line."""
        cr1 = self.regs.get(self.CR1, 0)
        bits = 10 + (cr1 >> 12 & 1) - (cr1 >> 28 & 1) + (self.regs.get(self.CR2, 0) >> 13 & 1)
        return bits * PS // (self.baud() or 115200)

    def send_to_firmware(self, data: bytes) -> None:
        """Bytes from the host; they wait while the receiver is off."""
        self._incoming[:0] = data[::-1]
        self._plan_arrival()

    def _plan_arrival(self) -> None:
        if self._incoming and self.listening and self._arrival is None:
            if self._line_idle:
                self._line_idle.cancel()
            self._arrival = self.host.at(self.host.now_ps() + self.byte_ps(), self._arrived)

    def _depth(self) -> int:
        return 8 if self.regs.get(self.CR1, 0) & 1 << 29 else 1

    def _arrived(self) -> None:
        self._arrival = None
        byte = self._incoming.pop()
        if len(self._received) >= self._depth():
            self._flags |= self.ORE
        else:
            self._received.append(byte)
        if byte == self.regs.get(self.CR2, 0) >> 24:
            self._flags |= self.CMF
        self._feed_rx_dma()
        if self._incoming:
            self._plan_arrival()
        else:
            self._line_idle = self.host.at(self.host.now_ps() + self.byte_ps(), self._went_idle)
        self._line()

    def _feed_rx_dma(self) -> None:
        if self.regs.get(self.CR3, 0) & 1 << 6 and self._received and self.rx_request:
            self.rx_request()

    def _went_idle(self) -> None:
        self._line_idle = None
        self._flags |= self.IDLE
        self._line()

    def poll_dma(self) -> None:
        """A DMA channel was enabled: it may take what already waits here."""
        self._feed_rx_dma()
        self._ask_for_more()

    def _status(self) -> int:
        flags = self._flags & ~(self.RXNE | self.TXE)
        if self._received:
            flags |= self.RXNE
        if len(self._queued) < self._depth():
            flags |= self.TXE
        cr1 = self.regs.get(self.CR1, 0)
        return flags | (cr1 & 8) << 18 | (cr1 & 4) << 20 | (1 << 23 if not self._queued else 0)  # TEACK, REACK, TXFE

    def _line(self) -> None:
        status, cr1, cr3 = self._status(), self.regs.get(self.CR1, 0), self.regs.get(self.CR3, 0)
        active = cr1 & 1 and (
            (cr1 & status & (self.IDLE | self.TC | self.TXE))
            or (cr1 & self.RXNE and status & (self.RXNE | self.ORE))
            or (cr1 & 1 << 14 and status & self.CMF)
            or (cr3 & 1 and status & self.ORE)
            or (cr3 & 1 << 28 and status & self.RXNE)
            or (cr3 & 1 << 23 and not self._queued)
        )
        self.host.irq(self.irq, bool(active))

    def read(self, offset: int) -> int:
        if offset == self.ISR:
            status = self._status()
            self.host.polled(status)
            return status
        if offset == self.RDR:
            byte = self._received.pop(0) if self._received else self.regs.get(self.RDR, 0)
            self.regs[self.RDR] = byte
            self._line()
            return byte
        return self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset == self.TDR:
            if len(self._queued) < self._depth():
                self._queued.append(value & 0xFF)
            self._flags &= ~self.TC
            self._start()
        elif offset == self.ICR:
            self._flags &= ~(value & (self.ORE | self.IDLE | self.TC | self.CMF))
        elif offset == self.RQR:
            if value & 8:
                self._received.clear()
        elif offset != self.ISR:
            self.regs[offset] = value
            if offset in {self.CR1, self.CR3}:
                self._plan_arrival()
                self._start()
                self._feed_rx_dma()
                self._ask_for_more()
        self._line()

    def _start(self) -> None:
        cr1 = self.regs.get(self.CR1, 0)
        if self._queued and not self._shifting and cr1 & 9 == 9:
            self._shifting = True
            byte = self._queued.pop(0)
            self.host.at(self.host.now_ps() + self.byte_ps(), lambda: self._sent(byte))
            self._ask_for_more()

    def _ask_for_more(self) -> None:
        cr1 = self.regs.get(self.CR1, 0)
        if self.regs.get(self.CR3, 0) & 1 << 7 and cr1 & 9 == 9 and self.tx_request:
            while len(self._queued) < self._depth():
                before = len(self._queued)
                self.tx_request()
                if len(self._queued) == before:
                    break

    def _sent(self, byte: int) -> None:
        self._shifting = False
        self.last_sent_ps = self.host.now_ps()
        self.host.received(bytes([byte]))
        self._start()
        if not self._shifting and not self._queued:
            self._flags |= self.TC
        self._line()
