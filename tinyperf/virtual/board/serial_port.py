"""What the UARTs of every chip have in common: bytes that take their time on the line, and two FIFOs behind it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tinyperf.virtual.board.clock import PS
from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Event

UNSET_BAUD = 115200
"""Taken while the firmware has not set a rate."""


class SerialPort(Peripheral):
    """Base of them; a chip's own says what its registers make of the line, and calls `power_up` when it is made.

    Reception overruns as the hardware does when the firmware is too slow.
    """

    last_sent_ps: int
    """When it last sent a byte; -1 for never."""

    def power_up(self) -> None:
        """The line is at rest and the FIFOs are empty."""
        self._incoming: deque[int] = deque()  # bytes on their way from the host
        self._received: deque[int] = deque()  # waiting in the data register or the FIFO
        self._queued: deque[int] = deque()  # written by the firmware, not yet in the shift register
        self._shifting = False
        self._arrival: Event | None = None
        self.last_sent_ps = -1

    def reset(self) -> None:
        super().reset()
        self.power_up()

    @property
    def listening(self) -> bool:
        """Enabled with the receiver on."""
        raise NotImplementedError

    @property
    def sending(self) -> bool:
        """Enabled with the transmitter on: with the receiver, where one bit enables both."""
        return self.listening

    def baud(self) -> int:
        """Bits per second; 0 while they are not set."""
        raise NotImplementedError

    def depth(self) -> int:
        """Bytes that each FIFO holds now."""
        raise NotImplementedError

    def frame_bits(self) -> int:
        """Start, data, parity and stop bits of a byte."""
        return 10

    def overrun(self) -> None:
        """A byte came in and is lost: the FIFO is full."""

    def arrived(self) -> None:
        """A byte came in, `_latest`, and waits in the FIFO if that had room."""

    def sent(self) -> None:
        """A byte has left, and the next one, if any, is in the shift register."""

    def update_line(self) -> None:
        """Set the interrupt's level anew."""

    @property
    def silent(self) -> bool:
        """Nothing is on the line in either direction."""
        return not (self._shifting or self._queued or self._arrival)

    def byte_ps(self) -> int:
        """Time of one frame on the line."""
        return self.frame_bits() * PS // (self.baud() or UNSET_BAUD)

    def send_to_firmware(self, data: bytes) -> None:
        """Bytes from the host; they wait while the receiver is off."""
        self._incoming.extend(data)
        self.plan_arrival()

    def plan_arrival(self) -> None:
        """The next byte starts now if there is one and it may."""
        if self._incoming and self._arrival is None and self.listening:
            self._arrival = self.host.at(self.host.now_ps() + self.byte_ps(), self._end_of_arrival)

    def _end_of_arrival(self) -> None:
        self._arrival = None
        self._latest = self._incoming.popleft()
        if len(self._received) < self.depth():
            self._received.append(self._latest)
        else:
            self.overrun()
        self.arrived()
        self.plan_arrival()
        self.update_line()

    def queue(self, value: int) -> None:
        """The firmware wrote a byte to send; one too many is dropped."""
        if len(self._queued) < self.depth():
            self._queued.append(value & 0xFF)
        self.start()

    def start(self) -> None:
        """The next byte goes into the shift register if there is one and it may."""
        if self._queued and not self._shifting and self.sending:
            self.shift(self._queued.popleft())

    def shift(self, byte: int) -> None:
        """A byte begins to leave."""
        self._shifting = True
        self.host.at(self.host.now_ps() + self.byte_ps(), lambda: self._end_of_shift(byte))

    def _end_of_shift(self, byte: int) -> None:
        self._shifting = False
        self.last_sent_ps = self.host.now_ps()
        self.host.received(bytes([byte]))
        self.start()
        self.sent()
        self.update_line()
