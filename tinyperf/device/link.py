"""Bytes to and from a board: the `Link` interface, serial ports and URLs, and the public fake.

A link carries its own clock, because a virtual board lives in virtual time: time-outs and the host's cross-check of
a window use `now_s()` of the link, never the wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

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
