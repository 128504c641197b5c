"""`stream.json`: what was played to a board that waits for a word, and what it did; all but the energy recording."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tinyperf.errors import ContentError
from tinyperf.formats import files

if TYPE_CHECKING:
    from pathlib import Path

NAME = "stream.json"
TICK_S = 10e-6


@dataclass(frozen=True)
class Stream:
    """One stream. `windows_s`: of each word; `detections_ms`: the first is the pulse of the first frame.

    `start_ticks`, `stop_ticks`: edges of the processing pin, in TICK_S, of the first frames. `answers`: output 0 of
    each frame, as a code. `frames`, `lost`: that the firmware computed, and that came while it still computed; None
    where it does not say. `frame_us`: of a board whose sound came over the serial line, by its own clock.
    """

    wav_file: str
    length_s: float
    windows_s: tuple[tuple[float, float], ...]
    detections_ms: tuple[int, ...]
    start_ticks: tuple[int, ...]
    stop_ticks: tuple[int, ...]
    answers: tuple[int, ...]
    frames: int | None
    lost: int | None
    frame_us: float | None = None


def text(stream: Stream) -> str:
    """The text of `stream.json`."""
    return json.dumps({"format": 1, **asdict(stream)}) + "\n"


def read(folder: Path) -> Stream | None:
    """The stream of a session folder; None where there is none.

    Raises: ContentError: damaged; says how.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    said = files.parsed(path)
    try:
        windows = tuple((float(begin), float(end)) for begin, end in said["windows_s"])
        detections, starts, stops, answers = (
            _whole(said[key]) for key in ("detections_ms", "start_ticks", "stop_ticks", "answers")
        )
        frames, lost = (None if said[key] is None else int(said[key]) for key in ("frames", "lost"))
        frame_us = None if said.get("frame_us") is None else float(said["frame_us"])
        found = Stream(
            str(said["wav_file"]),
            float(said["length_s"]),
            windows,
            detections,
            starts,
            stops,
            answers,
            frames,
            lost,
            frame_us,
        )
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as exc:
        raise ContentError(f"{path} is damaged: {exc!r}", hint=files.AGAIN) from exc
    times = (found.length_s, frame_us or 0.0, *(edge for window in windows for edge in window))
    if not all(math.isfinite(one) and one >= 0 for one in times):
        raise ContentError(f"{path} is damaged: a time is no number", hint=files.AGAIN)
    return found


def _whole(values: Any) -> tuple[int, ...]:
    if not isinstance(values, list) or not all(isinstance(v, int) and abs(v) < 1 << 53 for v in values):
        raise ValueError("no list of whole numbers")
    return tuple(values)
