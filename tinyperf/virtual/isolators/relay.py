"""What the simulated isolators share: commands up to `%`, lines of the board with a prefix, and the rate of both lines.

Time is that of the board behind. `simulator` finds one by name; `StandingIsolator` plays one with a made-up board in
real time.
"""

from __future__ import annotations

import importlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from tinyperf.virtual.fake import FakeDevice
from tinyperf.virtual.pty_port import PtyPort

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.device.link import Link
    from tinyperf.virtual.bench import Bench

BYTE_S = 10 / 115200  # to the host
TORN_EVERY = 40


@dataclass
class Relay:
    """An isolator between a host and `dut`, a board that speaks `dut_baud`. Subclasses say how it answers.

    `baud`: what it speaks to the board.
    """

    FAULTS: ClassVar[dict[str, str]] = {}

    dut: Link
    dut_baud: int
    faults: frozenset[str] = frozenset()
    baud: int = 9600
    _command: bytearray = field(default_factory=bytearray)
    _line: bytearray = field(default_factory=bytearray)
    _out: deque[tuple[float, bytes]] = field(default_factory=deque)
    _free_s: float = 0.0
    _relayed: int = 0

    def receive(self, data: bytes) -> bytes:
        """Bytes from the host."""
        for byte in data:
            if byte != ord("%"):
                self._command.append(byte)
                continue
            text = self._command.decode("ascii", "replace")
            self._command.clear()
            self.obey(text)
        return self.stream()

    def obey(self, text: str) -> None:
        """One command of the host."""
        raise NotImplementedError

    def hear(self, data: bytes) -> None:
        """Bytes from the board."""
        if self.baud != self.dut_baud:
            data = bytes(byte ^ 0x95 for byte in data)  # a wrong rate makes other bytes, and no line ends
        self._line += data
        while (end := self._line.find(b"\r\n")) >= 0:
            line = bytes(self._line[:end])
            del self._line[: end + 2]
            self.hear_line(line)

    def hear_line(self, line: bytes) -> None:
        """A line of the board."""
        raise NotImplementedError

    def tell_board(self, command: bytes) -> None:
        """Send a command on; at another rate it is rubbish."""
        self.dut.write(command + b"%" if self.baud == self.dut_baud else b"\xff\xfe")

    def say(self, *lines: str | bytes) -> None:
        """Queue lines for the host; each takes its time on the line."""
        for line in lines:
            data = (line.encode() if isinstance(line, str) else line) + b"\r\n"
            self._free_s = max(self._free_s, self.dut.now_s()) + len(data) * BYTE_S
            self._out.append((self._free_s, data))

    def relay(self, line: bytes) -> None:
        """A line of the board for the host."""
        self._relayed += 1
        text = b"[dut]: " + line
        if "torn" in self.faults and self._relayed % TORN_EVERY == 0:
            text = text[: len(text) // 2]
        self.say(b"\0" + text if "nul" in self.faults else text)

    @property
    def due_s(self) -> float | None:
        """When the next line has arrived at the host; None where there is none."""
        return self._out[0][0] if self._out else None

    def stream(self) -> bytes:
        """What has arrived at the host by now."""
        out = b""
        while self._out and self._out[0][0] <= self.dut.now_s() + 1e-9:
            out += self._out.popleft()[1]
        return out


def simulator(name: str) -> Callable[..., Relay]:
    """`simulate(dut, dut_baud, faults=...)` of one isolator."""
    found: Callable[..., Relay] = importlib.import_module(f"tinyperf.virtual.isolators.{name}").simulate
    return found


@dataclass
class StandingIsolator:
    """An isolator for a pty of its own: a made-up board in energy mode behind it, in the bench's time."""

    bench: Bench
    relay: Relay

    def receive(self, data: bytes) -> bytes:
        return self.relay.receive(data)

    def stream(self) -> bytes:
        dut, until_s = self.relay.dut, self.bench.horizon_s
        while (left_s := until_s - dut.now_s()) > 0:
            self.relay.hear(dut.read(left_s))
        return self.relay.stream()


def stand(name: str, bench: Bench, faults: str) -> PtyPort:
    """One isolator on a pty, with a fake kws board behind it."""
    board = FakeDevice(lambda _: (0.9, *(11 * (0.009,))), energy_mode=True)
    return PtyPort(StandingIsolator(bench, simulator(name)(board, 9600, faults=faults)))
