"""An instrument on a pseudo terminal: the loop that all simulators with a serial port share."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from typing import TYPE_CHECKING, Protocol

from tinyperf.virtual.raw_pty import raw_pty

if TYPE_CHECKING:
    from tinyperf.virtual.bench import Bench

PENDING_BYTES = 1 << 20
"""A reader this far behind stops the simulator, as a full pipe would; nothing is lost by it."""
PACE_S = 0.02
BEHIND_S = 2.0


class VanishedError(Exception):
    """Raised by a device whose port is to go away as if the cable had been pulled."""


class PlayedDevice(Protocol):
    """The instrument behind the port: bytes in, bytes out, and time passing on its bench."""

    bench: Bench

    def receive(self, data: bytes) -> bytes:
        """Answer to what the host sent."""

    def stream(self) -> bytes:
        """What the instrument has to say unasked, up to the bench's horizon; b"" for nothing.

        Raises: VanishedError: the port goes away.
        """


class PtyPort:
    """Runs a device on a pty in a thread of its own; `path` is what a driver opens as its serial port."""

    def __init__(self, device: PlayedDevice) -> None:
        self.device = device
        self._master, self._slave = raw_pty("use the instrument itself")
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        os.set_blocking(self._wake_read, False)
        self._open = [self._master, self._slave, self._wake_read, self._wake_write]
        self._closing = False
        self._pending = bytearray()
        self._received = 0
        self._gone = False
        self._behind = False
        self._obeyed = threading.Condition()
        device.bench.listen(self._moved)
        self._thread = threading.Thread(target=self._run, name=f"simulator {self.path}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and the port; may be called twice."""
        if self._closing:
            return
        self.device.bench.unlisten(self._moved)
        self._closing = True
        self._wake()
        self._thread.join()
        for fd in self._open:
            os.close(fd)

    def wait_for(self, count: int, timeout_s: float = 2.0) -> None:
        """Return when the device has obeyed the first `count` bytes: virtual time must not run before that."""
        with self._obeyed:
            self._obeyed.wait_for(lambda: self._received >= count or self._gone, timeout_s)

    def _moved(self) -> None:
        """The bench's time has moved: return when the device has said all until then, or virtual time runs away."""
        self._behind = True
        self._wake()
        with self._obeyed:
            self._obeyed.wait_for(lambda: not self._behind or not self._thread.is_alive(), BEHIND_S)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # then enough wake-ups are waiting
            os.write(self._wake_write, b"w")

    def _run(self) -> None:
        while not self._closing:
            writers = [self._master] if self._pending else []
            pace_s = PACE_S if self.device.bench.paced else None
            if self._behind and len(self._pending) < PENDING_BYTES:
                pace_s = 0.0
            ready, writable, _ = select.select([self._master, self._wake_read], writers, [], pace_s)
            if self._wake_read in ready:
                os.read(self._wake_read, 4096)
            if self._master in ready:
                data = os.read(self._master, 4096)
                self._pending += self.device.receive(data)
                with self._obeyed:
                    self._received += len(data)
                    self._obeyed.notify_all()
            try:
                if len(self._pending) < PENDING_BYTES:
                    self._said(self.device.stream())
            except VanishedError:
                self._open.remove(self._master)
                os.close(self._master)
                with self._obeyed:
                    self._gone = True
                    self._obeyed.notify_all()
                return
            if writable or self._pending:
                self._send()

    def _said(self, data: bytes) -> None:
        self._pending += data
        if not data and self._behind:
            with self._obeyed:
                self._behind = False
                self._obeyed.notify_all()

    def _send(self) -> None:
        try:
            sent = os.write(self._master, self._pending[:65536])
        except BlockingIOError:
            return
        del self._pending[:sent]
