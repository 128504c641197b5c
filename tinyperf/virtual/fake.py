"""Public fake of a device under test: answers the protocol in its own time, and misbehaves on order.

`ScriptedLink` plays fixed bytes; this one reacts, so that whole sessions run without hardware, and fast. `serve` plays
it on standard input and output: a script that calls it is an image for board `host`.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tinyperf.device.protocol import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.device.link import Transport

Misbehaviour = Literal[
    "reset", "torn results", "lost ready", "silent", "hang", "noise", "one timestamp", "fault", "end"
]
BOOT = b"m-timestamp-mode-performance\r\nm-lap-us-0\r\nm-init-done\r\nm-ready\r\n"
FAULT = b"++ MbedOS Fault Handler ++\r\nFaultType: HardFault\r\nPC: 0800ABCD\r\n"


@dataclass
class FakeDevice:
    """A `Link` to a device that keeps the protocol.

    `outputs`: from an input to the values printed. `misbehave`: what the n-th `infer` (from 0) does instead.
    `drift`: how much faster than the host's clock its own runs (0.01 = 1 %). `build_id` None: foreign firmware.
    `commands`: all that it was sent. `pulses_s`: when its timestamp pin fell or will fall, in energy mode.
    """

    outputs: Callable[[bytes], tuple[float, ...]]
    model_id: str = "kws01"
    seconds_per_inference: float = 0.05
    build_id: str | None = None
    misbehave: Mapping[int, Misbehaviour] = field(default_factory=dict)
    drift: float = 0.0
    transport: Transport = "scripted"
    commands: list[str] = field(default_factory=list)
    energy_mode: bool = False
    pulses_s: list[float] = field(default_factory=list)
    _queue: list[tuple[float, bytes]] = field(default_factory=list)
    _partial: str = ""
    _now_s: float = 0.0
    _expected: int = 0
    _data: bytes = b""
    _infers: int = 0
    _hung: bool = False

    def __post_init__(self) -> None:
        self._queue.append((0.01, BOOT.replace(b"performance", b"energy") if self.energy_mode else BOOT))

    def write(self, data: bytes) -> None:
        if self._hung:
            return
        self._partial += data.decode("ascii")
        *whole, self._partial = self._partial.split("%")
        for command in whole:
            self.commands.append(command)
            self._answer(command)

    def read(self, timeout_s: float) -> bytes:
        if not self._queue or self._queue[0][0] > timeout_s:
            self._now_s += timeout_s
            if self._queue:
                self._queue[0] = (self._queue[0][0] - timeout_s, self._queue[0][1])
            return b""
        delay_s, data = self._queue.pop(0)
        self._now_s += delay_s
        return data

    def waits_s(self) -> float | None:
        """How long until it says the next thing; None where it has nothing to say."""
        return self._queue[0][0] if self._queue else None

    def now_s(self) -> float:
        return self._now_s

    def close(self) -> None:
        self._queue.clear()

    def _say(self, *lines: str, after_s: float = 0.001) -> None:
        self._queue.append((after_s, "".join(line + "\r\n" for line in lines).encode()))

    def _answer(self, command: str) -> None:
        word, _, rest = command.partition(" ")
        if word == "name":
            self._say("m-name-dut-[fake]", "m-ready")
        elif word == "profile":
            self._say("m-profile-[fake firmware]", f"m-model-[{self.model_id}]", "m-ready")
        elif word == "timestamp":
            self.pulses_s += [self._now_s] if self.energy_mode else []
            self._say(*([] if self.energy_mode else [f"m-lap-us-{self._us(self._now_s)}"]), "m-ready")
        elif word == "build" and self.build_id:
            self._say(f"m-build-[{self.build_id}]", "m-limits-[cmd=8192,db=4000]", "m-ready")
        elif word == "db":
            self._db(rest)
        elif word == "infer":
            self._infer(*(int(n) for n in rest.split()))
        else:
            self._say(f"e-[Unknown command: {word}]", "m-ready")

    def _db(self, rest: str) -> None:
        if rest.startswith("load "):
            self._expected, self._data = int(rest.removeprefix("load ")), b""
            self._say(f"m-[Expecting {self._expected} bytes]", "m-ready")
        elif rest == "crc":
            self._say(f"m-crc-[{crc32(self._data):08x}]", "m-ready")
        elif len(rest) % 2 or not all(digit in string.hexdigits for digit in rest):
            self._say("e-[Insufficient hex digits]", "m-ready")
        else:
            self._data += bytes.fromhex(rest)
            self._say(*(["m-load-done"] if len(self._data) == self._expected else []), "m-ready")

    def _infer(self, inferences: int, warmups: int = 10) -> None:
        how = self.misbehave.get(self._infers)
        self._infers += 1
        if how == "silent":
            return
        warmup_s = warmups * self.seconds_per_inference
        start_s = self._now_s + warmup_s + 0.002
        end_s = start_s + inferences * self.seconds_per_inference
        self._say(f"m-warmup-start-{warmups}")
        self._say("m-warmup-done", f"m-infer-start-{inferences}", after_s=warmup_s)
        if how in {"reset", "fault"}:
            self._queue.append((0.5, b"m-lap-us-" + BOOT if how == "reset" else FAULT))
            return
        if how == "hang":
            self._hung = True
            return
        if how == "end":
            raise SystemExit(3)
        self.pulses_s += [start_s, end_s] if self.energy_mode else []
        stamps = [f"m-lap-us-{self._us(s)}" for s in (start_s, end_s)]
        values = ",".join(f"{v:.3f}" for v in self.outputs(self._data))
        stamps = [] if self.energy_mode else stamps
        lines = [*stamps[: 1 if how == "one timestamp" else 2], "m-infer-done", f"m-results-[{values}]", "m-ready"]
        if how == "torn results":
            lines = [*stamps, "m-infer-done", "m-resu"]
        if how == "lost ready":
            lines = lines[:-1]
        self._say(*lines, after_s=end_s - start_s + 0.002)  # the pin has fallen before anything is said
        if how == "noise":
            self._queue[-1] = (self._queue[-1][0], b"\xff\xfe" + self._queue[-1][1])

    def _us(self, at_s: float) -> int:
        return round(at_s * 1e6 * (1 + self.drift)) % (1 << 32)


def serve(device: FakeDevice, *, speed: float = 0.0) -> None:
    """Play `device` on standard input and output until input ends; `speed` 1 in real time, 0 as fast as possible."""
    import os
    import sys
    import time

    while True:
        while (waits_s := device.waits_s()) is not None:
            time.sleep(waits_s * speed)
            sys.stdout.buffer.write(device.read(waits_s))
            sys.stdout.buffer.flush()
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:
            return
        device.write(data)
