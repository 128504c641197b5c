"""Lines between computer and board that lose, double, swap and garble bytes, fall silent or go away: each a `Link`."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinyperf.errors import DeviceError
from tinyperf.virtual.fake import BOOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.device.link import Link, Transport

    Change = Callable[["Line", bytes], bytes]

HANDSHAKE_READS = 6  # of a healthy device: what comes later is the measurement


@dataclass
class Line:
    """Stands between a conversation and the device `inner`, and changes what passes.

    `up`: of each piece from the device, `down`: of each piece to it, `at`: the piece (from 0) that the fault is about.
    `delivered`: results that came through as they left. `beside`: called at each call, with its number.
    """

    inner: Link
    up: Change = lambda _, data: data
    down: Change = lambda _, data: data
    at: int = 0
    beside: Callable[[int], None] = lambda _: None
    transport: Transport = "scripted"
    reads: int = -1
    writes: int = -1
    calls: int = 0
    delivered: int = 0
    jumped_s: float = 0.0
    late: list[tuple[float, bytes]] = field(default_factory=list)
    draw: random.Random = field(default_factory=lambda: random.Random(7))

    def write(self, data: bytes) -> None:
        self._called()
        self.writes += 1
        data = self.down(self, data)
        if data:
            self.inner.write(data)

    def read(self, timeout_s: float) -> bytes:
        self._called()
        until_s = self.now_s() + timeout_s
        while True:
            if self.late and self.late[0][0] <= self.now_s():
                return self.late.pop(0)[1]
            data = self.inner.read(max(until_s - self.now_s(), 0.0))
            if not data:
                return b""
            self.reads += 1
            changed = self.up(self, data)
            self.delivered += b"m-results-[" in data and changed == data
            if changed:
                return changed

    def now_s(self) -> float:
        return self.inner.now_s() + self.jumped_s

    def close(self) -> None:
        self.inner.close()

    def _called(self) -> None:
        self.calls += 1
        self.beside(self.calls)

    def place(self, data: bytes) -> int:
        """A byte of `data`, drawn; the same in every run."""
        return random.Random(self.at).randrange(max(len(data), 1))


def once(change: Change) -> Change:
    """`change`, at the line's piece number `at` only."""
    return lambda line, data: change(line, data) if line.at in (line.reads, -1) else data


@once
def lost(line: Line, data: bytes) -> bytes:
    """One byte is lost."""
    k = line.place(data)
    return data[:k] + data[k + 1 :]


@once
def doubled(line: Line, data: bytes) -> bytes:
    """One byte comes twice."""
    k = line.place(data)
    return data[: k + 1] + data[k:]


@once
def zeros(_line: Line, data: bytes) -> bytes:
    """A NUL behind every byte."""
    return b"".join(bytes([byte, 0]) for byte in data)


@once
def line_lost(line: Line, data: bytes) -> bytes:
    """One whole line is lost."""
    rows = data.splitlines(keepends=True)
    del rows[line.place(data) % len(rows)]
    return b"".join(rows)


@once
def line_doubled(line: Line, data: bytes) -> bytes:
    """One whole line comes twice."""
    rows = data.splitlines(keepends=True)
    k = line.place(data) % len(rows)
    return b"".join([*rows[: k + 1], *rows[k:]])


@once
def lines_swapped(_line: Line, data: bytes) -> bytes:
    """The first two lines change places."""
    rows = data.splitlines(keepends=True)
    return b"".join([*rows[1:2], *rows[:1], *rows[2:]])


@once
def answer_again_late(line: Line, data: bytes) -> bytes:
    """The whole piece comes again two milliseconds later: in the middle of the answer to the next command."""
    line.late.append((line.now_s() + 0.002, data))
    return data


@once
def answer_late(line: Line, data: bytes) -> bytes:
    """The piece comes when nobody waits for it any more."""
    line.late.append((line.now_s() + 650.0, data))
    return b""


@once
def restarted(line: Line, data: bytes) -> bytes:
    """The board restarts when it has said a part of the piece."""
    return data[: line.place(data)] + BOOT


@once
def not_text(line: Line, data: bytes) -> bytes:
    """A bit that no ASCII character has is seen in a tenth of the bytes: the rate is a little off."""
    return bytes(byte | 0x80 if line.draw.random() < 0.1 else byte for byte in data)


def other_rate(_line: Line, data: bytes) -> bytes:
    """What another baud rate makes of everything."""
    return bytes(0x80 | (byte * 37 & 0x7F) for byte in data if byte % 3)


def half_open(line: Line, data: bytes) -> bytes:
    """From piece `at` on nothing arrives, and nobody says that the connection is gone."""
    return b"" if line.reads >= line.at else data


def chatter(line: Line, data: bytes) -> bytes:
    """From piece `at` on the board talks every second, and never of what it was asked."""
    if line.reads >= line.at and not line.late:
        line.late = [(line.now_s() + k, b"[00:00:01] heap 1234\r\n") for k in range(9000)]
    return b"" if line.reads >= line.at else data


def endless_line(line: Line, data: bytes) -> bytes:
    """From piece `at` on a line without end."""
    if line.reads >= line.at and not line.late:
        line.late = [(line.now_s() + k, b"x" * 4000) for k in range(9000)]
    return b"" if line.reads >= line.at else data


def vanished(line: Line, data: bytes) -> bytes:
    """The port is gone, as `SerialLink` says it."""
    if line.reads >= line.at:
        raise DeviceError(
            "/dev/ttyACM0 failed while in use: device reports readiness to read but returned no data",
            means="the board was unplugged or lost power, or the other side closed the connection",
            hint="reconnect it; --resume SESSION goes on from here",
        )
    return data


def command_lost(line: Line, data: bytes) -> bytes:
    """One byte of what the computer sends is lost, never the one that ends a command."""
    k = line.place(data[:-1])
    return data[:k] + data[k + 1 :] if line.writes == line.at else data


def command_garbled(line: Line, data: bytes) -> bytes:
    """One digit of an input arrives as another."""
    if line.writes < line.at or not data.startswith(b"db ") or b"load" in data or b"crc" in data:
        return data
    line.at = 1 << 30
    return data[:5] + (b"7" if data[5:6] != b"7" else b"6") + data[6:]
