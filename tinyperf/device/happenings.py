"""What happened in a conversation with a device: the records of a transcript in, happenings out. Pure.

The one place that knows what a window is. The live conversation, the score, the energy run and the logs in others'
formats read the same bytes through it, so that a resumed or recomputed session gives the same figures.

A record is (direction, bytes, seconds): "host" and "device" for the wire, "note" for what was not on it. The notes
understood here stand before the download of an input: `sample INDEX WINDOW NAME`, or `pilot` where what follows is not
measured; ` again: WHY` behind either says that it is sent a second time.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from tinyperf.device.protocol import (
    Crc,
    Event,
    InferDone,
    InferStart,
    Parser,
    Results,
    Timestamp,
    crc32,
    elapsed_us,
)

Direction = Literal["host", "device", "note"]
Record = tuple[Direction, bytes, float]

PILOT = "pilot"
AGAIN = " again: "
_SAMPLE = re.compile(r"sample (\d{1,9}) (\d{1,9}) (\S.*)")
_INFER = re.compile(rb"infer (\d{1,18}) (\d{1,18})%")
_WINDOW = re.compile(rb"window keep=\d+ bytes=\d+ infer=([1-9]\d{0,17}) crc=([0-9a-f]{8})%")


def sample_note(index: int, window: int, name: str, again: str = "") -> str:
    """The note that stands before each input; `again` says why it is sent a second time."""
    return again_note(f"sample {index} {window} {name}", again)


def again_note(text: str, why: str) -> str:
    """`text`, and why it happens again; `text` alone where it does not."""
    return f"{text}{AGAIN}{why}" if why else text


@dataclass(frozen=True)
class Input:
    """Input `window` (0 but for ad) of sample `index` is about to be sent; `again`: why a second time, or empty."""

    at_s: float
    text: str
    index: int
    window: int
    name: str
    again: str


@dataclass(frozen=True)
class Pilot:
    """Inferences that are not measured are about to come."""

    at_s: float
    text: str
    again: str


@dataclass(frozen=True)
class Remark:
    """Any other note. `again`: what it says behind ` again: `."""

    at_s: float
    text: str
    again: str


@dataclass(frozen=True)
class Asked:
    """The host sent a command; without its `%`."""

    at_s: float
    command: str


@dataclass(frozen=True)
class Said:
    """The device ended a line; `events` are what it means to the protocol."""

    at_s: float
    line: bytes
    events: tuple[Event, ...]


@dataclass(frozen=True)
class WindowStarted:
    """The device said that its timed inferences begin."""

    at_s: float
    inferences: int


@dataclass(frozen=True)
class WindowEnded:
    """The device said that its timed inferences are over."""

    at_s: float


@dataclass(frozen=True, kw_only=True)
class Inference:
    """What one `infer N W` gave. The device's times are None in energy mode, where pulses take their place.

    `begin_s`, `end_s`: `m-infer-start` and the last line of the window, `at_s`: the results; on the link's clock. Where
    one of the lines was lost the two are equal, and the length by the host's clock is 0; NaN where a file does not say.
    """

    at_s: float
    inferences: int
    warmups: int
    results: tuple[float, ...]
    start_us: int | None
    end_us: int | None
    begin_s: float
    end_s: float

    @property
    def host_s(self) -> float:
        """Length by the host's clock."""
        return self.end_s - self.begin_s

    @property
    def device_us(self) -> int | None:
        """Length by the device's clock."""
        if self.start_us is None or self.end_us is None:
            return None
        return elapsed_us(self.start_us, self.end_us, self.host_s if math.isfinite(self.host_s) else None)

    @property
    def seconds(self) -> float:
        """Length by the device's clock; by the host's in energy mode."""
        return self.host_s if self.device_us is None else self.device_us / 1e6


Happening = Input | Pilot | Remark | Asked | Said | WindowStarted | WindowEnded | Inference


def _wanted(command: bytes) -> tuple[tuple[int, int] | None, int | None]:
    """Inferences and warm-ups that a command asks for, None where it asks for none; what the answer's sum begins with.

    The sum is None for all but a binary window.
    """
    if match := _INFER.fullmatch(command):
        return (int(match[1]), int(match[2])), None
    if match := _WINDOW.fullmatch(command):
        return (int(match[1]), 0), int(match[2], 16)
    return None, None


class TranscriptReader:
    """Records in their order in, happenings out. `pulses`: windows are marked by pulses, not by lines of text.

    A command of the host begins a new answer: half a line from before it belongs to nothing.
    """

    def __init__(self, *, pulses: bool = False) -> None:
        self.pulses = pulses
        self._parser = Parser()
        self._infer: tuple[int, int] | None = None  # (inferences, warm-ups) of the answer that is being read
        self._sum: int | None = None  # of the lines of a binary window's answer so far
        self._unproven: Results | None = None  # of a binary window whose sum is still to come
        self._stamps: list[int] = []
        self._begin_s: float | None = None
        self._end_s: float | None = None

    @property
    def pending(self) -> bytes:
        """The device's unfinished line."""
        return self._parser.pending

    @property
    def in_results(self) -> bool:
        """The unfinished line holds results."""
        return self._parser.in_results

    def feed(self, direction: Direction, data: bytes, at_s: float) -> list[Happening]:
        """What one record completes."""
        if direction == "host":
            return [self._asked(data, at_s)]
        if direction == "note":
            return [self._noted(data.decode(), at_s)]
        happenings: list[Happening] = []
        for line, events in self._parser.lines(data):
            happenings.append(Said(at_s, line, tuple(events)))
            for event in events:
                happenings += self._event(event, at_s)
            if self._sum is not None:
                self._sum = crc32(line + b"\r\n", self._sum)
        return happenings

    def _asked(self, data: bytes, at_s: float) -> Asked:
        self._parser = Parser()
        self._infer, self._sum = _wanted(data)
        self._unproven = None
        self._stamps = []
        self._begin_s = self._end_s = None
        return Asked(at_s, data.decode("ascii", "replace").removesuffix("%"))

    def _noted(self, text: str, at_s: float) -> Input | Pilot | Remark:
        what, _, again = text.partition(AGAIN)
        if match := _SAMPLE.fullmatch(what):
            self._infer = None
            return Input(at_s, text, int(match[1]), int(match[2]), match[3], again)
        if text.startswith(PILOT):
            self._infer = None
            return Pilot(at_s, text, again)
        return Remark(at_s, text, again)

    def _event(self, event: Event, at_s: float) -> list[Happening]:
        if isinstance(event, InferStart):
            self._begin_s = at_s
            return [WindowStarted(at_s, event.inferences)]
        if isinstance(event, InferDone):
            self._end_s = at_s if self.pulses else self._end_s
            return [WindowEnded(at_s)]
        if isinstance(event, Timestamp):
            self._stamps.append(event.us)
            self._end_s = self._end_s if self.pulses else at_s
        elif isinstance(event, Results) and self._sum is not None:
            self._unproven = event
        elif isinstance(event, Results):
            return self._complete(event, at_s)
        elif isinstance(event, Crc) and self._unproven and event.value == self._sum:
            return self._complete(self._unproven, at_s)
        return []

    def _complete(self, results: Results, at_s: float) -> list[Happening]:
        """The answer to what was asked for, where nothing of it is missing."""
        if self._infer is None or not (self.pulses or len(self._stamps) == 2):
            return []
        found = self._inference(self._infer, results, at_s)
        self._infer = None
        return [found]

    def _inference(self, asked: tuple[int, int], results: Results, at_s: float) -> Inference:
        text = not self.pulses
        begin_s, end_s = self._begin_s, self._end_s
        if begin_s is None or end_s is None:
            begin_s = end_s = at_s
        return Inference(
            at_s=at_s,
            inferences=asked[0],
            warmups=asked[1],
            results=results.values,
            start_us=self._stamps[0] if text else None,
            end_us=self._stamps[1] if text else None,
            begin_s=begin_s,
            end_s=end_s,
        )
