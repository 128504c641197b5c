"""A simulated isolator on a pty between a host and a board that lives in virtual time; nothing runs beside it.

The host's end is a real serial port. Time passes only in `read`, in the board behind, which pumps the isolator.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

from tinyperf.device.isolators import HOST_BAUD, LEAST_S
from tinyperf.device.link import SerialLink
from tinyperf.virtual.raw_pty import raw_pty

if TYPE_CHECKING:
    from tinyperf.device.link import Link, Transport
    from tinyperf.virtual.isolators.relay import Relay

HELD_BYTES = 1024
PATIENCE_S = 5.0  # of the wall clock: how long the system may take to carry bytes through a pty


class PtyLine:
    """A `Link` to the isolator `relay`, in front of the board `dut`."""

    transport: Transport

    def __init__(self, relay: Relay, dut: Link) -> None:
        self._relay = relay
        self.dut = dut
        self.transport = dut.transport
        self._master, self._slave = raw_pty("use a real isolator, or none")
        self._port = SerialLink(os.ttyname(self._slave), HOST_BAUD)
        self._sent = self._arriving = 0
        self._pending = bytearray()
        self._closed = False

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        self._port.write(data)
        self._sent += len(data)
        self._obey()

    def read(self, timeout_s: float) -> bytes:
        """Let the board live until the isolator has said something, at most `timeout_s` of the board's time."""
        until_s = self.now_s() + timeout_s
        while True:
            self._pending += self._relay.stream()
            self._send()
            if self._arriving:
                data = self._port.read(PATIENCE_S)
                self._arriving -= len(data)
                return data
            left_s = until_s - self.now_s()
            if left_s <= LEAST_S:
                return b""
            due_s = self._relay.due_s
            self._relay.hear(self.dut.read(left_s if due_s is None else min(left_s, max(due_s - self.now_s(), 0.0))))

    def now_s(self) -> float:
        """The board's clock."""
        return self.dut.now_s()

    def close(self) -> None:
        """Release the pty and the board; may be called twice."""
        if not self._closed:
            self._closed = True
            self._port.close()
            os.close(self._master)
            os.close(self._slave)
            self.dut.close()

    def _obey(self) -> None:
        """The isolator gets what the host sent before time goes on: a pty carries bytes when it likes."""
        while self._sent and select.select([self._master], [], [], PATIENCE_S)[0]:
            data = os.read(self._master, 4096)
            self._sent -= len(data)
            self._pending += self._relay.receive(data)

    def _send(self) -> None:
        """No more at a time than a pty holds, since nobody reads meanwhile."""
        sent = os.write(self._master, self._pending[:HELD_BYTES]) if self._pending else 0
        del self._pending[:sent]
        self._arriving += sent
