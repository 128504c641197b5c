"""Bytes to and from a board: the `Link` interface, serial ports and URLs, and the public fake.

A link carries its own clock, because a virtual board lives in virtual time: time-outs and the host's cross-check of
a window use `now_s()` of the link, never the wall clock.
"""

from __future__ import annotations

import errno
import os
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tinyperf.device import ports
from tinyperf.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

Transport = Literal["virtual", "serial", "socket", "process", "scripted"]


class Link(Protocol):
    """Byte transport to one device. Every method may raise DeviceError."""

    transport: Transport

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived, as soon as something has; b"" after `timeout_s` of silence on the link's clock."""

    def now_s(self) -> float:
        """Monotonic seconds of the clock this link lives by (virtual time on a virtual board)."""

    def close(self) -> None:
        """Release the port or end the process; may be called twice."""


@dataclass
class ScriptedLink:
    """Public fake: plays one side of a transcript and fails on the first byte that departs from it.

    `script` is a sequence of ("host", bytes expected from the host) and ("device", bytes to deliver). A pair
    ("silence", b"") makes the next read time out.
    """

    script: Sequence[tuple[Literal["host", "device", "silence"], bytes]]
    transport: Transport = "scripted"
    closed: bool = False
    _at: int = 0
    _expected: bytearray = field(default_factory=bytearray)
    _now_s: float = 0.0

    def write(self, data: bytes) -> None:
        for byte in data:
            if not self._expected:
                if self._at >= len(self.script) or self.script[self._at][0] != "host":
                    msg = f"host sent {bytes([byte])!r} where the script has {self.script[self._at : self._at + 1]!r}"
                    raise AssertionError(msg)
                self._expected += self.script[self._at][1]
            if self._expected[0] != byte:
                msg = f"host sent {data!r}; the script expects {bytes(self._expected)!r}"
                raise AssertionError(msg)
            del self._expected[0]
            if not self._expected:
                self._at += 1

    def read(self, timeout_s: float) -> bytes:
        if self._at < len(self.script) and self.script[self._at][0] == "device":
            self._at += 1
            return self.script[self._at - 1][1]
        if self._at < len(self.script) and self.script[self._at][0] == "silence":
            self._at += 1
        self._now_s += timeout_s
        return b""

    def now_s(self) -> float:
        return self._now_s

    def close(self) -> None:
        self.closed = True

    @property
    def finished(self) -> bool:
        """The whole script was played."""
        return self._at == len(self.script)


POLL_S = 0.05  # how long one read of the port waits; changing pyserial's time limit for each read costs system calls
WRITE_TIMEOUT_S = 10.0


NETWORK = ("socket://", "rfc2217://")


class SerialLink:
    """A serial port by name, or any pyserial URL: loop://, socket://HOST:PORT, rfc2217://HOST:PORT.

    Opened exclusively and with low latency where the system can. 8N1, no flow control.
    Raises: DeviceError: absent, busy, not permitted, unplugged. UsageError: not a URL that pyserial knows.
    """

    transport: Transport

    def __init__(self, url: str, baud: int) -> None:
        import serial

        self.url = url
        self.transport = "socket" if url.startswith(NETWORK) else "serial"
        if self.transport == "socket":
            _require_host_and_port(url)
        device: dict[str, Any] = {} if "://" in url else {"exclusive": True}
        try:
            self._port: Any = serial.serial_for_url(
                url, baudrate=baud, timeout=POLL_S, write_timeout=WRITE_TIMEOUT_S, **device
            )
        except ValueError as exc:
            raise UsageError(
                f"{url} at {baud} baud: {exc}",
                hint="a device (/dev/ttyACM0, COM7) or a URL (socket://HOST:PORT, rfc2217://HOST:PORT, loop://)",
            ) from exc
        except (serial.SerialException, OSError) as exc:
            raise _cannot_open(url, exc) from exc
        self._low_latency()

    def _low_latency(self) -> None:
        """Ask the driver not to hold bytes back for 16 ms; ptys, sockets and some drivers cannot, and need not."""
        if "://" not in self.url and hasattr(self._port, "set_low_latency_mode"):
            try:
                self._port.set_low_latency_mode(True)
            except (OSError, ValueError, NotImplementedError):
                return

    def write(self, data: bytes) -> None:
        """Send all of `data`.

        Raises: DeviceError: unplugged, or the other side takes nothing.
        """
        import serial

        try:
            self._port.write(data)
        except (serial.SerialException, OSError) as exc:
            raise self._gone(exc) from exc

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, as soon as something has; b"" after `timeout_s` of silence.

        Raises: DeviceError: unplugged, or the other side closed the connection.
        """
        import serial

        limit_s = time.monotonic() + timeout_s
        try:
            while True:
                if timeout_s > 0 or self._port.in_waiting:
                    data: bytes = self._port.read(1)
                    if data:
                        return data + self._rest()
                if time.monotonic() >= limit_s:
                    return b""
        except (serial.SerialException, OSError) as exc:
            raise self._gone(exc) from exc

    def _rest(self) -> bytes:
        rest: bytes = self._port.read(self._port.in_waiting)
        return rest

    def now_s(self) -> float:
        """The host's monotonic clock."""
        return time.monotonic()

    def close(self) -> None:
        """Release the port; may be called twice."""
        self._port.close()

    def _gone(self, exc: Exception) -> DeviceError:
        return DeviceError(
            f"{self.url} failed while in use: {exc}",
            means="the board was unplugged or lost power, or the other side closed the connection",
            hint="reconnect it; --resume SESSION goes on from here",
        )


def _require_host_and_port(url: str) -> None:
    """pyserial 3.5 speaks of int and NoneType where one is missing.

    Raises: UsageError: HOST:PORT is not there.
    """
    try:
        place = urllib.parse.urlsplit(url)
        complete = bool(place.hostname and place.port)
    except ValueError:  # a port that is no number, or above 65535
        complete = False
    if not complete:
        raise UsageError(
            f"{url} names no HOST:PORT, PORT from 1 to 65535",
            hint=f"for example {url.split('://', maxsplit=1)[0]}://127.0.0.1:5000",
        )


def require_present(url: str) -> None:
    """What can be said of a port before anything is built for it.

    Raises: DeviceError: it is the path of a device that is not there. UsageError: it is the option behind `--port`.
    """
    if url.startswith("-"):
        raise UsageError(
            f"'{url}' is no port",
            means="--port takes the word behind it, whatever it is",
            hint=f"give the port's name between --port and {url}, or leave --port out: the board is then looked for",
        )
    named = "://" not in url and os.name == "posix"  # elsewhere ports are no files: COM5
    if (named or url.startswith("/")) and not Path(url).exists():
        raise _absent(url)


def _absent(url: str) -> DeviceError:
    return DeviceError(
        f"{url} does not exist",
        means="the board is not plugged in, or has another name",
        hint=f"ports found: {', '.join(port.device for port in ports.listed()) or 'none'}; "
        "'tinyperf doctor' shows what answers",
    )


def _cannot_open(url: str, exc: Exception) -> DeviceError:
    number = getattr(exc, "errno", None)
    text = str(exc)
    if number == errno.ENOENT or "FileNotFoundError" in text:
        return _absent(url)
    if number in {errno.EACCES, errno.EPERM} or "PermissionError" in text:
        return DeviceError(
            f"{url} may not be opened: {text}",
            means="this user has no permission for serial ports, or another program holds the port",
            hint="Linux: add the user to the group dialout and log in again; close other serial programs",
        )
    if number in {errno.EBUSY, errno.EAGAIN} or "exclusively lock" in text:
        return DeviceError(
            f"{url} is in use: {text}",
            means="another program holds the port (a serial monitor, another tinyperf)",
            hint="close it; 'fuser' or 'lsof' with the port's name shows who it is",
        )
    return DeviceError(
        f"{url} cannot be opened: {text}",
        means="nobody listens there, or it is no serial port",
        hint="check name and cable; 'tinyperf doctor' shows what answers on each port",
    )
