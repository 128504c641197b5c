"""What is told while it takes long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tinyperf.cli import _progress
from tinyperf.session import progress
from tinyperf.session.progress import beating, duration, elapsed

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats of 10 ms, a first line at once, another every 50 ms."""
    monkeypatch.setattr(progress, "BEAT_S", 0.01)
    monkeypatch.setattr(_progress, "FIRST_LINE_S", 0.0)
    monkeypatch.setattr(_progress, "LINE_EVERY_S", 0.05)


def until(done: Callable[[], bool]) -> None:
    limit_s = time.monotonic() + 5.0
    while not done():
        assert time.monotonic() < limit_s
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99.4, "99 s"), (100, "2 min"), (5990, "100 min"), (6000, "1.7 h"), (86400, "24.0 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.usefixtures("hurried")
def test_beats_end_with_what_they_are_about() -> None:
    told: list[float] = []
    with beating(told.append):
        until(lambda: len(told) >= 3)
    count = len(told)
    assert told == sorted(told)
    time.sleep(0.05)
    assert len(told) == count


@pytest.mark.usefixtures("hurried")
def test_a_log_gets_lines_of_what_takes_long(capsys: pytest.CaptureFixture[str]) -> None:
    with _progress.shown() as tell:
        tell("session s", 0, 0)
        tell("inputs", 3, 24)
        lines: list[str] = []

        def four_lines() -> bool:
            lines.extend(capsys.readouterr().err.splitlines())
            return len(lines) >= 4

        until(four_lines)
    assert lines[0] == "session s"
    assert set(lines[1:]) <= {"0 s: starting", "0 s: inputs, 3 of 24"}
    assert lines[-1] == "0 s: inputs, 3 of 24"


def test_a_log_of_a_short_run_holds_the_session_only(capsys: pytest.CaptureFixture[str]) -> None:
    with _progress.shown() as tell:
        tell("building", 0, 0)
        tell("session s", 0, 0)
        tell("window 1 of 5", 0, 5)
    assert capsys.readouterr().err == "session s\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.9, "59 s"), (130.0, "2 min 10 s"), (3600.0, "1 h 0 s"), (36_130.0, "10 h 2 min 10 s")],
)
def test_what_a_clock_shows(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text
