"""A session on disk: its record, the transcript as it happens, the results. Nothing is written anywhere else.

`transcript.jsonl` holds {"t_s", "dir", "hex"} lines and is the checkpoint too: what it holds can be recomputed, what it
lacks is measured by --resume. Sharded runs have `transcript.1.jsonl`, ... beside it. Each line is one write, so that a
kill loses at most the line being written.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.device.happenings import TranscriptReader
from tinyperf.errors import ContentError, DeviceError, DiskError, UsageError
from tinyperf.formats import own
from tinyperf.session import lock, transcript
from tinyperf.session import record as records_of
from tinyperf.session.transcript import Trials

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Unpack

    from tinyperf.device.happenings import Direction
    from tinyperf.result import RunResult
    from tinyperf.session.record import Lesson, Record

RECORD = "session.json"
LAYERS = "layers.json"
LOCK_WAIT_S = 5.0


def require_free(folder: Path) -> None:
    """A folder that the user named must be new or empty.

    Raises: UsageError: something is there. DiskError: no folder can have that name.
    """
    try:
        if (folder / RECORD).exists():
            raise UsageError(
                f"{folder} holds a session already",
                hint=f"'tinyperf run --resume {folder}' finishes it; or give another --out",
            )
        if folder.is_dir():
            seen = "is not empty" if any(folder.iterdir()) else ""
        elif folder.is_symlink():
            seen = "is a link that leads nowhere"
        else:
            seen = "is a file" if folder.exists() else ""
    except OSError as exc:
        raise _disk(folder, exc) from exc
    if seen:
        raise UsageError(f"{folder} {seen}", means="a session is a folder of its own", hint="give another --out")


def create(folder: Path) -> Path:
    """Make a new session folder; where the name is taken by another session, `-2`, `-3`, ... is added.

    Raises: DiskError: it cannot be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for n in range(1, 1000):
            at = folder if n == 1 else folder.with_name(f"{folder.name}-{n}")
            if n == 1 and at.is_dir() and not any(at.iterdir()):
                return at
            try:
                at.mkdir()
            except FileExistsError:
                continue
            return at
    except OSError as exc:
        raise _disk(folder, exc) from exc
    raise DiskError(f"{folder} and 998 names like it are taken", hint="clean up, or give another --out")


def write(path: Path, text: str) -> None:
    """Write one file whole: readers see the old text or the new one.

    Raises: DiskError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as exc:
        raise _disk(path, exc) from exc


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write one file line by line, for what may be too long to hold.

    Raises: DiskError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as out:
            out.writelines(line + "\n" for line in lines)
    except OSError as exc:
        raise _disk(path, exc) from exc


@dataclass
class Session:
    """A session folder, and its record as it stands in `session.json`."""

    at: Path
    record: Record

    def learn(self, **lesson: Unpack[Lesson]) -> None:
        """Write down what was found out.

        Raises: DiskError: it cannot be written.
        """
        self._write(self.record.model_copy(update={"learned": self.record.learned.model_copy(update=dict(lesson))}))

    def conclude(self, result: RunResult) -> None:
        """Write down the result."""
        self._write(self.record.model_copy(update={"result": result.as_dict()}))

    def _write(self, record: Record) -> None:
        write(self.at / RECORD, records_of.dump(record))
        self.record = record


def begin(at: Path, record: Record) -> Session:
    """A new session in the folder `at`, which is there."""
    write(at / RECORD, records_of.dump(record))
    return Session(at, record)


def load(at: Path) -> Session:
    """The session in the folder `at`.

    Raises: UsageError: no session there. ContentError: `session.json` is damaged or of another format.
    """
    path = at / RECORD
    if not path.is_file():
        raise UsageError(
            f"{at} holds no {RECORD}", means="it is not a session folder", hint="name the folder that the run printed"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise ContentError(f"{path}: {exc}", hint="the session cannot be resumed; start a new one") from exc
    return Session(at, records_of.parse(text, path))


def transcripts(folder: Path) -> list[Path]:
    """The transcripts of a session, one for each worker."""
    return sorted(folder.glob("transcript*.jsonl"), key=lambda p: (len(p.name), p.name))


def transcript_path(folder: Path, worker: int) -> Path:
    """Where worker `worker` writes."""
    return folder / ("transcript.jsonl" if worker == 0 else f"transcript.{worker}.jsonl")


def read_back(folder: Path, *, pulses: bool = False) -> list[Trials]:
    """What the transcripts of a session say, each by itself."""
    return [transcript.read(own.records(path), pulses=pulses) for path in transcripts(folder)]


class Transcript:
    """One transcript being written, and what it says so far. Times stay monotonic over a resume."""

    def __init__(self, path: Path, *, pulses: bool = False) -> None:
        self.path = path
        self.trials = Trials()
        self._reader = TranscriptReader(pulses=pulses)
        self._last_s = 0.0
        self._offset_s: float | None = None  # between the link's clock and the transcript's, which starts at 0
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._lock()
            self._continue()
        except OSError as exc:
            raise _disk(path, exc) from exc

    def _lock(self) -> None:
        """A worker of a killed run may still be finishing its last sample; two writers must never be."""
        limit_s = time.monotonic() + LOCK_WAIT_S
        while not lock.taken(self._file):
            if time.monotonic() > limit_s:
                raise DeviceError(
                    f"{self.path} is being written by another process",
                    means="a part of this session is still running",
                    hint="wait for it or end it, then --resume",
                )
            time.sleep(0.1)

    def _continue(self) -> None:
        """Read what is there; cut a torn last line off."""
        whole = 0
        for size_bytes, record in own.lines(self.path):
            whole += size_bytes
            self._last_s = record[2]
            self.trials.hear(self._reader.feed(*record))
        os.ftruncate(self._file, whole)

    def record(self, direction: Direction, data: bytes, at_s: float) -> None:
        """Write one record; `at_s` is the link's clock.

        Raises: DiskError: the disk is full; what was written before is kept.
        """
        if self._offset_s is None:
            self._offset_s = self._last_s - at_s
        t_s = round(self._offset_s + at_s, 6)
        line = own.line_of((direction, data, t_s))
        try:
            done = os.write(self._file, line)
            if done < len(line):  # the rest of the disk took only part of it; the next write says why
                os.write(self._file, line[done:])
        except OSError as exc:
            raise _disk(self.path, exc) from exc
        self.trials.hear(self._reader.feed(direction, data, t_s))

    def close(self) -> None:
        """Release file and lock; may be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _disk(path: Path, exc: OSError) -> DiskError:
    return DiskError(
        f"{path} cannot be written: {exc.strerror or exc}",
        means="the disk is full, or the folder may not be written to",
        hint="make room or give another --out; what was written is kept, --resume SESSION goes on from there",
    )
