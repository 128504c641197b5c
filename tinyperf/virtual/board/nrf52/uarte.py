"""UARTE of the nRF52 family: a UART whose bytes move by EasyDMA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.nrf52.tasks import TaskPeripheral
from tinyperf.virtual.board.serial_port import SerialPort

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Host

STARTRX, STOPRX, STARTTX, STOPTX = 0x000, 0x004, 0x008, 0x00C
RXDRDY, ENDRX, TXDRDY, ENDTX, ERROR, RXTO, RXSTARTED, TXSTARTED, TXSTOPPED = (
    *(0x108, 0x110, 0x11C, 0x120, 0x124, 0x144, 0x14C, 0x150, 0x158),
)
SHORTS, ERRORSRC, ENABLE, BAUDRATE, CONFIG = 0x200, 0x480, 0x500, 0x524, 0x56C
RX_PTR, RX_MAXCNT, RX_AMOUNT, TX_PTR, TX_MAXCNT, TX_AMOUNT = 0x534, 0x538, 0x53C, 0x544, 0x548, 0x54C
ENABLED, OVERRUN, ENDRX_STARTRX = 8, 1, 1 << 5
WAITING_BYTES = 4
"""What the receiver keeps while no buffer is offered (product specification: up to four bytes after STOPRX)."""


class Uarte(TaskPeripheral, SerialPort):
    """Bytes go to and from buffers in memory; eight of data each."""

    def __init__(self, host: Host, irq: int) -> None:
        super().__init__(host, irq)
        self.power_up()

    def power_up(self) -> None:
        super().power_up()
        self._receiving = False
        self._buffer: tuple[int, int] | None = None  # where the next byte goes, and how many still may

    @property
    def listening(self) -> bool:
        """Enabled with the receiver on."""
        return self._receiving and self.regs.get(ENABLE, 0) == ENABLED

    def baud(self) -> int:
        """Bits per second; 0 while BAUDRATE is not set."""
        return self.regs.get(BAUDRATE, 0) * 16_000_000 >> 32

    def frame_bits(self) -> int:
        config = self.regs.get(CONFIG, 0)
        return 10 + bool(config & 0xE) + (config >> 4 & 1)

    def depth(self) -> int:
        return WAITING_BYTES

    def overrun(self) -> None:
        self.regs[ERRORSRC] = self.regs.get(ERRORSRC, 0) | OVERRUN
        self.happens(ERROR)

    def arrived(self) -> None:
        """Bytes that wait go into the buffer that is offered."""
        while self._received and self._buffer:
            address, room = self._buffer
            self.host.bus_write(address, 1, self._received.popleft())
            self.regs[RX_AMOUNT] = self.regs.get(RX_AMOUNT, 0) + 1
            self._buffer = (address + 1, room - 1) if room > 1 else None
            self.happens(RXDRDY)
            if self._buffer is None:
                self._end_of_buffer()

    def _end_of_buffer(self) -> None:
        self.happens(ENDRX)
        if self.regs.get(SHORTS, 0) & ENDRX_STARTRX:
            self.task(STARTRX)

    def task(self, offset: int) -> None:
        if offset == STARTRX:
            self._receiving = True
            room = self.regs.get(RX_MAXCNT, 0)
            self._buffer = (self.regs.get(RX_PTR, 0), room) if room else None
            self.regs[RX_AMOUNT] = 0
            self.happens(RXSTARTED)
            self.arrived()
            self.plan_arrival()
        elif offset == STOPRX:
            self._receiving, self._buffer = False, None
            self.happens(ENDRX)
            self.happens(RXTO)
        elif offset == STARTTX:
            self.regs[TX_AMOUNT] = 0
            self.happens(TXSTARTED)
            self._send()
        elif offset == STOPTX:
            self.happens(TXSTOPPED)

    def _send(self) -> None:
        sent = self.regs.get(TX_AMOUNT, 0)
        if sent < self.regs.get(TX_MAXCNT, 0):
            self.shift(self.host.bus_read(self.regs.get(TX_PTR, 0) + sent, 1))
        else:
            self.happens(ENDTX)

    def sent(self) -> None:
        self.regs[TX_AMOUNT] = self.regs.get(TX_AMOUNT, 0) + 1
        self.happens(TXDRDY)
        self._send()
