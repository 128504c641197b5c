"""The MLCommons interface board (STM32H573I-DK), as its firmware in mlcommons/tiny `benchmark/interface` behaves.

Only what concerns the board's serial line; sound and detections are left out. It relays a board's lines only while a
command is under way, without a time limit, and keeps the first 100 bytes of what the board says between commands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from tinyperf.virtual.instruments.lpm01a import parse_faults
from tinyperf.virtual.isolators.relay import Relay, stand

if TYPE_CHECKING:
    from tinyperf.device.link import Link
    from tinyperf.virtual.bench import Bench
    from tinyperf.virtual.pty_port import PtyPort

REBOOT_S = 2.5
QUEUE_BYTES = 100


@dataclass
class InterfaceBoard(Relay):
    """The board; its rate outlives a restart."""

    FAULTS: ClassVar[dict[str, str]] = {
        "torn": "one line of the board in 40 loses its second half",
        "nul": "a NUL byte before every line of the board",
        "mute": "answers nothing",
        "unwired": "the board's lines do not arrive",
        "flash": "a new rate is not stored",
        "dead": "does not come back from a restart",
    }
    restarts: int = 0
    _ready_s: float = 0.0
    _relaying: bool = False
    _kept: bytearray = field(default_factory=bytearray)
    _later: list[str] = field(default_factory=list)

    def obey(self, text: str) -> None:
        if "mute" in self.faults or self.dut.now_s() < self._ready_s:
            return
        if self._relaying:
            if sum(map(len, self._later)) + len(text) < QUEUE_BYTES:
                self._later.append(text)
            return
        name, _, rest = text.partition(" ")
        if name == "dut":
            self._pass_on(rest)
        elif name == "name":
            self.say("tinyML Enhanced Interface Board", "m-ready")
        elif name == "checkbaud":
            self.say(b"baud is: %d\nm-ready" % self.baud)
        elif name == "setbaud":
            self.say(f"set baud to: {rest}\nm-ready")
            self._restart(int(rest))
        else:
            self.say("m-ready")

    def _restart(self, baud: int) -> None:
        self.restarts += 1
        if "flash" not in self.faults:
            self.baud = baud
        self._ready_s = self.dut.now_s() + (REBOOT_S if "dead" not in self.faults else float("inf"))
        self._line.clear()
        self._kept.clear()

    def _pass_on(self, command: str) -> None:
        self.say(f"m-dut-passthrough({command})", "m-ready")
        self.tell_board(command.encode())
        self._relaying = True
        kept, self._kept = bytes(self._kept), bytearray()
        super().hear(kept)

    def hear(self, data: bytes) -> None:
        if "unwired" in self.faults or self.dut.now_s() < self._ready_s:
            return
        if self._relaying:
            super().hear(data)
        else:
            self._kept += data[: QUEUE_BYTES - len(self._kept)]

    def hear_line(self, line: bytes) -> None:
        if not self._relaying:  # came in the same breath as the m-ready before it
            self._kept += (line + b"\r\n")[: QUEUE_BYTES - len(self._kept)]
            return
        self.relay(line)
        if line == b"m-ready":
            self._relaying = False
            later, self._later = self._later, []
            for text in later:
                self.obey(text)


def simulate(dut: Link, dut_baud: int, *, faults: str = "") -> InterfaceBoard:
    """The interface board in front of `dut`."""
    return InterfaceBoard(dut, dut_baud, parse_faults(faults, InterfaceBoard.FAULTS))


def start(bench: Bench, *, faults: str = "") -> PtyPort:
    """The interface board on a pty, with a made-up board behind it."""
    return stand("interface_board", bench, faults)
