"""EnergyRunner's IO Manager 1.0.3 (Arduino Uno) as the published logs show it, and faults on order.

Its firmware is closed: texts that no log shows (banner, `name`, `version`) are guesses in the style of those it shows,
and tinyperf reads no more of them than `m-name-` and `m-ready`. D3 is not wired, so it stamps no edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tinyperf.virtual.instruments.lpm01a import parse_faults
from tinyperf.virtual.isolators.relay import Relay, stand

if TYPE_CHECKING:
    from tinyperf.device.link import Link
    from tinyperf.virtual.bench import Bench
    from tinyperf.virtual.pty_port import PtyPort

BOOT_S = 1.6  # of the Uno's boot loader, in which it hears nothing
BANNER = ("m-init-done-ioman", "m-ready")
RESET_AT = 3
ANSWERS = {
    "name": ("m-name-ioman-[simulated]",),
    "version": ("m-version-[1.0.3]",),
    "tm 0": ("m-timestmp-mode-FALLING", "m-[Timer disabled after mode change]"),
    "enable-timer": ("m-timer-enabled",),
    "disable-timer": ("m-timer-disabled",),
}


@dataclass
class IoManager(Relay):
    """The Uno: half duplex, 9600 baud to the board."""

    FAULTS: ClassVar[dict[str, str]] = {
        "torn": "one line of the board in 40 loses its second half",
        "nul": "a NUL byte before every line of the board",
        "late-banner": "the banner comes only with the first command",
        "reset": "restarts during the third 'infer'",
        "mute": "answers nothing",
        "unwired": "the board's lines do not arrive",
    }
    _ready_s: float = 0.0
    _greeted: bool = False
    _answering: bool = False
    _infers: int = 0

    def __post_init__(self) -> None:
        self._restart()

    def _restart(self) -> None:
        self._ready_s = self.dut.now_s() + BOOT_S
        self._answering = False
        self._free_s = max(self._free_s, self._ready_s)
        if not self.faults & {"late-banner", "mute"}:
            self.say(*BANNER)

    def obey(self, text: str) -> None:
        if "mute" in self.faults or self.dut.now_s() < self._ready_s:
            return
        if "late-banner" in self.faults and not self._greeted:
            self._greeted = True
            self.say(*BANNER)
        if text.startswith("dut "):
            self._pass_on(text.removeprefix("dut "))
        else:
            self.say(*ANSWERS.get(text, (f"e-[Unknown command: {text}]",)), "m-ready")

    def _pass_on(self, command: str) -> None:
        self.say(f"m-dut-passthrough({command})", "m-ready")
        self._infers += command.startswith("infer")
        # the serial port is made in software: what the board says while it sends garbles what it sends
        self.tell_board(command.encode()[:: 2 if self._answering else 1])

    def hear_line(self, line: bytes) -> None:
        if "unwired" in self.faults or "mute" in self.faults or self.dut.now_s() < self._ready_s:
            return
        if "reset" in self.faults and self._infers == RESET_AT and line.startswith(b"m-infer-start"):
            self._infers += 1
            self._restart()
            return
        self._answering = line != b"m-ready"
        self.relay(line)


def simulate(dut: Link, dut_baud: int, *, faults: str = "") -> IoManager:
    """The Uno in front of `dut`."""
    return IoManager(dut, dut_baud, parse_faults(faults, IoManager.FAULTS))


def start(bench: Bench, *, faults: str = "") -> PtyPort:
    """The Uno on a pty, with a made-up board behind it."""
    return stand("io_manager", bench, faults)
