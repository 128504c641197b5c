"""Telling a person what is being done while it takes long."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress = Callable[[str, int, int], None]
    """Told what is being done, how much of it is done, and how much there is (0: unknown)."""

BEAT_S = 1.0


def silent(_what: str, _done: int, _total: int) -> None:
    """No progress shown."""


@contextmanager
def beating(tell: Callable[[float], None]) -> Iterator[None]:
    """While the block runs, `tell` the seconds of the wall clock that it has taken, once a second.

    From a thread of its own: a link that waits, or a virtual board that computes, comes back when it has an answer.
    """
    begin_s = time.monotonic()
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_S):
            tell(time.monotonic() - begin_s)

    thread = threading.Thread(target=beat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def duration(seconds: float) -> str:
    """Seconds as people say them: `45 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def elapsed(seconds: float) -> str:
    """What a clock shows, so that two lines of a log are never alike: `45 s`, `2 min 10 s`, `1 h 2 min 10 s`."""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return " ".join(f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (left, "s")) if n or unit == "s")
