"""Bytes of a serial port, collected by a thread, so that an instrument may stream while the host waits for a board."""

from __future__ import annotations

import threading

import serial

from tinyperf.errors import DeviceError

BLOCK_S = 0.1
"""How long a read may block; only closing waits for it."""


class PortReader:
    """A serial port that is always being read. Writing is the caller's, reading is the thread's.

    Raises: DeviceError: the port cannot be opened, or was lost.
    """

    def __init__(self, url: str, baud: int) -> None:
        self.url = url
        self.written = 0
        try:
            self._port = serial.serial_for_url(url, baudrate=baud, timeout=BLOCK_S, write_timeout=2.0)
        except (OSError, ValueError) as exc:
            raise DeviceError(
                f"{url} cannot be opened: {exc}",
                means="the instrument is not plugged in, another program holds it, or you may not use the port",
                hint="look at 'tinyperf doctor' for the ports there are; on Linux, join the group dialout",
            ) from exc
        self._arrived = threading.Condition()
        self._buffer = bytearray()
        self._lost: str | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"reader {url}", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._port.write(data)
            self._port.flush()
            self.written += len(data)
        except OSError as exc:
            raise self._gone(str(exc)) from exc

    def take(self, timeout_s: float = 0.0) -> bytes:
        """What has arrived since the last call, waiting up to `timeout_s` (wall clock) for something."""
        with self._arrived:
            if not self._buffer and self._lost is None and timeout_s > 0:
                self._arrived.wait(timeout_s)
            if not self._buffer and self._lost is not None:
                raise self._gone(self._lost)
            data = bytes(self._buffer)
            self._buffer.clear()
            return data

    def close(self) -> None:
        """End the thread and release the port; may be called twice."""
        self._closing = True
        self._thread.join()
        self._port.close()

    def _gone(self, why: str) -> DeviceError:
        return DeviceError(
            f"{self.url} was lost: {why}",
            means="the instrument was unplugged, or lost its power",
            hint="plug it in again; 'tinyperf energy check NAME' shows whether it answers",
        )

    def _run(self) -> None:
        while not self._closing:
            try:
                data = self._port.read(max(1, self._port.in_waiting))
            except (OSError, TypeError) as exc:  # TypeError: pyserial, when the file descriptor is closed under it
                with self._arrived:
                    self._lost = str(exc)
                    self._arrived.notify_all()
                return
            if data:
                with self._arrived:
                    self._buffer += data
                    self._arrived.notify_all()
