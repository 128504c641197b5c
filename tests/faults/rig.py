"""One run of each mode against a board that lives in virtual time, and what came of it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.invariants import Outcome
from tests.faults.lines import Line
from tinyperf.errors import Interrupted, TinyperfError
from tinyperf.request import Request
from tinyperf.session import run as session
from tinyperf.session import store
from tinyperf.virtual.fake import FakeDevice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tinyperf.device.link import Link
    from tinyperf.result import Mode, RunResult
    from tinyperf.session.device import Device

SAMPLES = 12
WRONG = 5  # the sample whose label the device never gives
LATENCY_MS = 50.0
TRUTH = {"accuracy": (SAMPLES - 1) / SAMPLES, "performance": LATENCY_MS}
ASKED = {"accuracy": SAMPLES, "performance": 5}
CLEAN_CALLS = {"accuracy": 680, "performance": 400}  # of the link, in a run without a fault
OURS = "0123456789abcdef0123456789abcdef"  # a build id: firmware that answers `db crc`


def answers(data: bytes) -> tuple[float, ...]:
    """A kws device that reads the class from the first byte."""
    return tuple(0.9 if k == data[0] else 0.1 if k == 4 and data[0] == 3 else 0.0 for k in range(12))


@dataclass
class Board(FakeDevice):
    """A fake board with the timer of a real one. `ticks_us`: from its own seconds to what it prints."""

    ticks_us: Callable[[float], float] = lambda seconds: seconds * 1e6

    def _us(self, at_s: float) -> int:
        return round(self.ticks_us(at_s) * (1 + self.drift)) % (1 << 32)


@dataclass
class Run:
    """One session in `folder`: first with the fault, then resumed without."""

    folder: Path
    mode: Mode = "accuracy"
    lines: list[Line] = field(default_factory=list)
    out: str = ""

    @property
    def at(self) -> Path:
        return self.folder / "session"

    def request(self) -> Request:
        image = self.folder / "fw.bin"
        if not image.exists():
            image.write_bytes(b"not run")
            _dataset(self.folder / "kws01")
        data = str(self.folder) if self.mode == "accuracy" else None
        return Request("host", "kws", self.mode, image=str(image), data=data, jobs=1, out=self.out or str(self.at))

    def opener(self, line: dict[str, Any], device: dict[str, Any]) -> Callable[[Device], Link]:
        """Makes the link of a run: a board with these properties behind a line with those."""

        def opened(_: Device) -> Link:
            self.lines.append(Line(Board(answers, **device), **line))
            return self.lines[-1]

        return opened

    def first(self, line: dict[str, Any], device: dict[str, Any]) -> tuple[int, str, float | None]:
        """Exit code, message and figure of the run with the fault."""
        return attempt(lambda: session.run(self.request(), open_link=self.opener(line, device)))

    def again(self, at: Path | None = None, **device: Any) -> tuple[int, float | None, int]:
        """Exit code and figure of `--resume` on a healthy line, and how many inputs were sent for it."""
        opened = len(self.lines)
        code, _, figure = self.resumed(at, **device)
        return code, figure, sum(sent(line.inner) for line in self.lines[opened:])

    def resumed(self, at: Path | None = None, **device: Any) -> tuple[int, str, float | None]:
        """Exit code, message and figure of `--resume`."""
        return attempt(lambda: session.resume(at or self.at, open_link=self.opener({}, device)))

    def kept(self, at: Path | None = None) -> int:
        """How many inputs the folder holds the results of."""
        with contextlib.suppress(TinyperfError):
            return sum(len(one.trials) for one in store.read_back(at or self.at))
        return 0

    def outcome(self, first: tuple[int, str, float | None], *, resume: bool = True) -> Outcome:
        """Of the run that ended with `first`; it is resumed where that left something to do."""
        kept, lines = self.kept(), list(self.lines)
        left = resume and first[0] not in {0, 1} and (self.at / store.RECORD).is_file()
        return Outcome(
            *first,
            truth=TRUTH[self.mode],
            link_s=sum(line.now_s() for line in lines),
            delivered=sum(measured(line) for line in lines),
            kept=kept,
            asked=ASKED[self.mode],
            session=(self.at / store.RECORD).is_file(),
            resumed=self.again() if left else None,
        )


def attempt(what: Callable[[], RunResult]) -> tuple[int, str, float | None]:
    """Exit code, message and figure, as the command line has them."""
    try:
        found = what()
    except TinyperfError as exc:
        return exc.exit_code, f"{exc.seen} {exc.means}", None
    except (Interrupted, KeyboardInterrupt) as exc:
        return 130, str(exc), None
    figure = None
    if found.energy:
        figure = found.energy.uj_per_inference
    elif found.performance:
        figure = found.performance.latency_ms
    elif found.accuracy:
        figure = found.accuracy.value
    return found.exit_code, "; ".join(found.reasons), figure


def measured(line: Line) -> int:
    """Results that came through whole and were of a window or an input, not of a pilot or of a first try."""
    return min(line.delivered, sent(line.inner))


def sent(device: Any) -> int:
    """Inputs that this device was told to measure: warm-ups are a window's, and accuracy has one inference each."""
    infers = [words for command in device.commands if (words := command.split())[:1] == ["infer"]]
    windows = [words for words in infers if words[2:] != ["0"]]
    return len(windows or [words for words in infers if words[1] == "1"])


def _dataset(at: Path) -> None:
    at.mkdir()
    rows = []
    for k in range(SAMPLES):
        (at / f"s{k}.bin").write_bytes(bytes([k % 12]) + k.to_bytes(2, "big") + bytes(487))
        rows.append(f"s{k}.bin,12,{(k + (k == WRONG)) % 12}")
    (at / "y_labels.csv").write_text("\n".join(rows) + "\n")


@dataclass
class Snapshots:
    """The session folder as `kill -9` would leave it at these calls of the link: what was written is there, no more."""

    run: Run
    calls: frozenset[int]
    taken: list[Path] = field(default_factory=list)

    def __call__(self, number: int) -> None:
        if number in self.calls and self.run.at.is_dir():
            to = self.run.folder / f"killed{number}"
            shutil.copytree(self.run.at, to)
            self.taken.append(to)

    def tear(self, to: Path, cut: int) -> None:
        """The last line of the transcript was being written: only a part of it is on the disk."""
        for path in sorted(to.glob("transcript*.jsonl")):
            with path.open("rb") as file:
                last = deque(file, maxlen=1)
            size = path.stat().st_size
            os.truncate(path, size - min(cut, len(last[0]) - 1 if last else 0))
