"""USART and LPUART of the newer STM32 families."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.serial_port import SerialPort

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.virtual.board.peripherals import Event, Host


class Uart(SerialPort):
    """USART and LPUART with separate ISR and ICR (STM32 F0, F7, L4, G0, U5, ...): polling, interrupts, DMA, FIFO."""

    CR1, CR2, CR3, BRR, RQR, ISR, ICR, RDR, TDR, PRESC = 0x00, 0x04, 0x08, 0x0C, 0x18, 0x1C, 0x20, 0x24, 0x28, 0x2C
    ORE, IDLE, RXNE, TC, TXE, CMF = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 17
    PRESCALERS = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)

    def __init__(self, host: Host, *, clock: str, irq: int, low_power: bool = False) -> None:
        super().__init__(host)
        self.clock, self.irq, self.low_power = clock, irq, low_power
        self.rx_request: Callable[[], None] | None = None
        self.tx_request: Callable[[], None] | None = None
        self.power_up()

    def power_up(self) -> None:
        super().power_up()
        self._flags = self.TC | self.TXE
        self._line_idle: Event | None = None

    @property
    def listening(self) -> bool:
        """Enabled with the receiver on."""
        return self.regs.get(self.CR1, 0) & 5 == 5

    @property
    def sending(self) -> bool:
        return self.regs.get(self.CR1, 0) & 9 == 9

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

    def frame_bits(self) -> int:
        cr1 = self.regs.get(self.CR1, 0)
        return 10 + (cr1 >> 12 & 1) - (cr1 >> 28 & 1) + (self.regs.get(self.CR2, 0) >> 13 & 1)

    def depth(self) -> int:
        return 8 if self.regs.get(self.CR1, 0) & 1 << 29 else 1

    def plan_arrival(self) -> None:
        super().plan_arrival()
        if self._arrival and self._line_idle:
            self._line_idle.cancel()

    def overrun(self) -> None:
        self._flags |= self.ORE

    def arrived(self) -> None:
        if self._latest == self.regs.get(self.CR2, 0) >> 24:
            self._flags |= self.CMF
        self._feed_rx_dma()
        if not self._incoming:
            self._line_idle = self.host.at(self.host.now_ps() + self.byte_ps(), self._went_idle)

    def _feed_rx_dma(self) -> None:
        if self.regs.get(self.CR3, 0) & 1 << 6 and self._received and self.rx_request:
            self.rx_request()

    def _went_idle(self) -> None:
        self._line_idle = None
        self._flags |= self.IDLE
        self.update_line()

    def poll_dma(self) -> None:
        """A DMA channel was enabled: it may take what already waits here."""
        self._feed_rx_dma()
        self._ask_for_more()

    def _status(self) -> int:
        flags, cr1 = self._flags & ~(self.RXNE | self.TXE), self.regs.get(self.CR1, 0)
        if self._received:
            flags |= self.RXNE
        if not self._queued or len(self._queued) < self.depth():
            flags |= self.TXE
        return flags | (cr1 & 8) << 18 | (cr1 & 4) << 20 | (1 << 23 if not self._queued else 0)  # TEACK, REACK, TXFE

    def update_line(self) -> None:
        flags, cr1, cr3 = self._flags, self.regs.get(self.CR1, 0), self.regs.get(self.CR3, 0)
        active = cr1 & 1 and (
            (cr1 & flags & (self.IDLE | self.TC))
            or (cr1 & self.TXE and len(self._queued) < self.depth())
            or (cr1 & self.RXNE and (self._received or flags & self.ORE))
            or (cr1 & 1 << 14 and flags & self.CMF)
            or (cr3 & 1 and flags & self.ORE)
            or (cr3 & 1 << 28 and self._received)
            or (cr3 & 1 << 23 and not self._queued)
        )
        self.host.irq(self.irq, bool(active))

    def read(self, offset: int) -> int:
        if offset == self.ISR:
            status = self._status()
            return self._status() if self.host.polled(status) else status
        if offset == self.RDR:
            byte = self._received.popleft() if self._received else self.regs.get(self.RDR, 0)
            self.regs[self.RDR] = byte
            self.update_line()
            return byte
        return self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset == self.TDR:
            self._flags &= ~self.TC
            self.queue(value)
        elif offset == self.ICR:
            self._flags &= ~(value & (self.ORE | self.IDLE | self.TC | self.CMF))
        elif offset == self.RQR:
            if value & 8:
                self._received.clear()
        elif offset != self.ISR:
            self.regs[offset] = value
            if offset in {self.CR1, self.CR3}:
                self.plan_arrival()
                self.start()
                self._feed_rx_dma()
                self._ask_for_more()
        self.update_line()

    def shift(self, byte: int) -> None:
        super().shift(byte)
        self._ask_for_more()

    def _ask_for_more(self) -> None:
        if self.regs.get(self.CR3, 0) & 1 << 7 and self.sending and self.tx_request:
            while len(self._queued) < self.depth():
                before = len(self._queued)
                self.tx_request()
                if len(self._queued) == before:
                    break

    def sent(self) -> None:
        if not self._shifting and not self._queued:
            self._flags |= self.TC
