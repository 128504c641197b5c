"""Serial communication block of the PSoC 6 as a UART (mtb-pdl-cat1, cyip_scb_v2.h)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.serial_port import SerialPort

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Host

CTRL, CAUSE = 0x000, 0xE00
TX_CTRL, TX_STATUS, TX_WRITE, TX_RAISED, TX_SET, TX_MASK, TX_MASKED = 0x204, 0x208, 0x240, 0xF80, 0xF84, 0xF88, 0xF8C
RX_CTRL, RX_STATUS, RX_READ, RX_SILENT, RX_RAISED, RX_MASK, RX_MASKED = 0x304, 0x308, 0x340, 0x344, 0xFC0, 0xFC8, 0xFCC
TRIGGER, NOT_FULL, EMPTY, DONE = 1, 1 << 1, 1 << 4, 1 << 9
NOT_EMPTY, FULL, OVERFLOW = 1 << 2, 1 << 3, 1 << 5
DEPTH = 128
NOTHING = 0xFFFF_FFFF
"""What an empty FIFO reads as; firmware polls it blindly."""


class Scb(SerialPort):
    """UART with FIFOs of 128 bytes."""

    def __init__(self, host: Host, *, clock: str, irq: int) -> None:
        super().__init__(host)
        self.clock, self.irq = clock, irq
        self.power_up()

    def power_up(self) -> None:
        super().power_up()
        self._tx = self._rx = 0  # what was raised

    @property
    def listening(self) -> bool:
        """Enabled, as a UART."""
        control = self.regs.get(CTRL, 0)
        return bool(control >> 31) and control >> 24 & 7 == 2

    def baud(self) -> int:
        """Bits per second."""
        return self.host.clock_hz(self.clock) // ((self.regs.get(CTRL, 0) & 15) + 1)

    def depth(self) -> int:
        return DEPTH

    def overrun(self) -> None:
        self._rx |= OVERFLOW

    def update_line(self) -> None:
        sent, got = len(self._queued), len(self._received)
        self._tx |= (
            TRIGGER * (sent < (self.regs.get(TX_CTRL, 0) & 0xFF)) | NOT_FULL * (sent < DEPTH) | EMPTY * (not sent)
        )
        self._rx |= TRIGGER * (got > (self.regs.get(RX_CTRL, 0) & 0xFF)) | NOT_EMPTY * (got > 0) | FULL * (got == DEPTH)
        self.host.irq(self.irq, bool(self._masked(TX_MASK) or self._masked(RX_MASK)))

    def _masked(self, mask: int) -> int:
        return (self._tx if mask == TX_MASK else self._rx) & self.regs.get(mask, 0)

    def read(self, offset: int) -> int:
        if offset in {RX_READ, RX_SILENT}:
            return self._take(keep=offset == RX_SILENT)
        status = {
            TX_STATUS: lambda: len(self._queued) | self._shifting << 15,
            RX_STATUS: lambda: len(self._received),
            TX_RAISED: lambda: self._tx,
            RX_RAISED: lambda: self._rx,
            TX_MASKED: lambda: self._masked(TX_MASK),
            RX_MASKED: lambda: self._masked(RX_MASK),
            CAUSE: lambda: bool(self._masked(TX_MASK)) << 2 | bool(self._masked(RX_MASK)) << 3,
        }.get(offset)
        if status is None:
            return super().read(offset)
        value = status()
        return status() if self.host.polled(offset << 32 | value) else value

    def _take(self, *, keep: bool) -> int:
        if not self._received and not (self.host.polled(RX_READ << 32) and self._received):
            return NOTHING
        byte = self._received[0] if keep else self._received.popleft()
        self.update_line()
        return byte

    def write(self, offset: int, value: int) -> None:
        if offset == TX_WRITE:
            self.queue(value)
        elif offset == TX_RAISED:
            self._tx &= ~value
        elif offset == RX_RAISED:
            self._rx &= ~value
        elif offset == TX_SET:
            self._tx |= value
        else:
            self.regs[offset] = value
            if offset == RX_CTRL and value >> 16 & 1:
                self._received.clear()
            self.plan_arrival()
            self.start()
        self.update_line()

    def sent(self) -> None:
        if not self._shifting and not self._queued:
            self._tx |= DONE
