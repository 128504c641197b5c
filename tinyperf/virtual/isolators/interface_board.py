"""The MLCommons interface board (STM32H573I-DK), as its firmware in mlcommons/tiny `benchmark/interface` behaves.

It relays a board's lines only while a command is under way, without a time limit, and keeps the first 100 bytes of what
the board says between commands. While it plays a file it does nothing else. Sound needs a virtual board (`Wired`).
"""

from __future__ import annotations

import wave
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from tinyperf.virtual.instruments.lpm01a import parse_faults
from tinyperf.virtual.isolators.relay import Relay, stand

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.device.link import Link
    from tinyperf.virtual.bench import Bench
    from tinyperf.virtual.board.link import VirtualLink
    from tinyperf.virtual.pty_port import PtyPort

REBOOT_S = 1.5  # the runner speaks to it 2 s after 'setbaud', and is answered (published logs of round v1.3)
QUEUE_BYTES = 100
RATE_HZ = 16000
BOUNCE_S = 0.010  # a detection so soon after another is the same one
TICK_S = 10e-6  # of the processing pin's edges
MOST_FRAMES = 100
MOST_DETECTIONS = 10_000
PER_LINE = 8
BAD_FILE = "Error playing file. Check that the file exists and is a 2-channel wav file.\n"


class SoundBoard(Protocol):
    """What the interface board sees of a board beside its serial line."""

    @property
    def playing(self) -> bool:
        """The end of what is played has not come."""

    def play(self, line: bytes) -> None:
        """From now on these samples come to its I2S."""

    def edges(self, pin: str) -> list[tuple[float, int]]:
        """Every edge of an output: seconds, and the level from then on."""


@dataclass(frozen=True)
class Wired:
    """The other wires to a board, by its pins, and the memory card, a folder."""

    board: SoundBoard
    detected_pin: str
    processing_pin: str
    card: Path


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
    wired: Wired | None = None
    restarts: int = 0
    _ready_s: float = 0.0
    _playing_until_s: float = 0.0
    _recording_from_s: float = 0.0
    _relaying: bool = False
    _kept: bytearray = field(default_factory=bytearray)
    _later: list[str] = field(default_factory=list)

    def obey(self, text: str) -> None:
        if "mute" in self.faults or self.dut.now_s() < self._ready_s:
            return
        if self._relaying or self.dut.now_s() < self._playing_until_s:
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
        elif self.wired is not None:
            self._sound(self.wired, name, rest)
        else:
            self.say("m-ready")

    def _sound(self, wired: Wired, name: str, rest: str) -> None:
        if name == "ls":
            self.say(*sorted(path.name for path in wired.card.iterdir()), "m-ready")
        elif name == "play":
            self._play(wired, rest)
        elif name == "record_detections":
            self._recording_from_s = self.dut.now_s()
            self.say("Now recording detections", "m-ready")
        elif name == "print_detections":
            falls = [at for at, level in self._edges(wired, wired.detected_pin) if not level]
            self.say("Detection Timestamps (ms)", *(f"{int(1000 * at)}," for at in _apart(falls)), "m-ready")
        elif name == "print_dutycycle":
            self._print_duty_cycle(wired)
        else:
            self.say("m-ready")

    def _edges(self, wired: Wired, pin: str) -> list[tuple[float, int]]:
        """Since 'record_detections'; seconds from then on."""
        from_s = self._recording_from_s
        return [(at - from_s, level) for at, level in wired.board.edges(pin) if at >= from_s]

    def _print_duty_cycle(self, wired: Wired) -> None:
        edges = self._edges(wired, wired.processing_pin)
        for title, level in (("Duty cycle start times (s)", 1), ("Duty cycle stop times (s)", 0)):
            ticks = [f"{int(at / TICK_S)}, " for at, now in edges if now == level][:MOST_FRAMES]
            rows = ["".join(ticks[at : at + PER_LINE]) for at in range(0, len(ticks), PER_LINE)]
            self.say(title, *rows)
        self.say("m-ready")

    def _play(self, wired: Wired, name: str) -> None:
        """Sound begins at once; the answer ends with it."""
        self.say(f"Attempting to play {name}".encode())
        samples = _stereo(wired.card / name)
        if samples is None:
            self.say(BAD_FILE.encode() + b"m-ready")
            return
        wired.board.play(samples)
        self._playing_until_s = self.dut.now_s() + len(samples) / 4 / RATE_HZ
        self._out.append((self._playing_until_s, b"succeeded.\nm-ready\r\n"))

    def stream(self) -> bytes:
        if self._later and not self._relaying and self.dut.now_s() >= self._playing_until_s:
            later, self._later = self._later, []
            for text in later:
                self.obey(text)
        return super().stream()

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


@dataclass
class RelayedLink:
    """The interface board in front of a virtual board, in the board's time."""

    relay: InterfaceBoard
    board: VirtualLink
    _said: bytearray = field(default_factory=bytearray)

    @property
    def idle(self) -> bool:
        """Nothing happens until the host speaks."""
        return self.board.idle and not self.board.playing and self.relay.due_s is None

    def write(self, data: bytes) -> None:
        """Bytes from the host."""
        self._said += self.relay.receive(data)

    def read(self, timeout_s: float) -> bytes:
        """Let so much virtual time pass, or less where there is output."""
        self.relay.hear(self.board.read(timeout_s))
        said = bytes(self._said) + self.relay.stream()
        self._said.clear()
        return said

    def now_s(self) -> float:
        """Virtual seconds since power-on."""
        return self.board.now_s()


def _apart(times_s: list[float]) -> list[float]:
    kept: list[float] = []
    for at in times_s:
        if not kept or at - kept[-1] >= BOUNCE_S:
            kept.append(at)
    return kept[:MOST_DETECTIONS]


def _stereo(path: Path) -> bytes | None:
    """The samples of a file of 16-bit stereo; None of any other."""
    try:
        with wave.open(str(path), "rb") as file:
            two = (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE_HZ)
            return file.readframes(file.getnframes()) if two else None
    except (OSError, EOFError, wave.Error):
        return None


def simulate(dut: Link, dut_baud: int, *, faults: str = "", wired: Wired | None = None) -> InterfaceBoard:
    """The interface board in front of `dut`; with `wired`, its sound and pins too."""
    return InterfaceBoard(dut, dut_baud, parse_faults(faults, InterfaceBoard.FAULTS), wired=wired)


def start(bench: Bench, *, faults: str = "") -> PtyPort:
    """The interface board on a pty, with a made-up board behind it."""
    return stand("interface_board", bench, faults)
