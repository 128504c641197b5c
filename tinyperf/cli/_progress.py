"""What is being done, on standard error: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tinyperf.session.progress import beating, elapsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.session.progress import Progress

FIRST_LINE_S = 10.0
LINE_EVERY_S = 10.0


@contextmanager
def shown() -> Iterator[Progress]:
    """To be told of progress; the session folder's name is always one line of its own."""
    with _bar() if sys.stderr.isatty() else _lines() as progress:
        yield progress


@contextmanager
def _lines() -> Iterator[Progress]:
    """What a log can hold: nothing of a short run, and a line each ten seconds of a long one."""
    latest = ("starting", 0, 0)
    due_s = FIRST_LINE_S
    begin_s = time.monotonic()

    def tell(what: str, done: int, total: int) -> None:
        nonlocal latest
        if what.startswith("session "):
            print(what, file=sys.stderr, flush=True)
        else:
            latest = (what, done, total)

    def beat(seconds: float) -> None:
        nonlocal due_s
        if seconds >= due_s:
            due_s = seconds + LINE_EVERY_S
            what, done, total = latest
            of = f", {done} of {total}" if total else ""
            print(f"{elapsed(time.monotonic() - begin_s)}: {what}{of}", file=sys.stderr, flush=True)

    with beating(beat):
        yield tell


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("preparing", total=None)

        def tell(what: str, done: int, total: int) -> None:
            if what.startswith("session "):
                console.print(what, highlight=False)
            else:
                of = f" {done}/{total}" if total else ""
                bar.update(task, description=what + of, completed=done, total=total or None)

        yield tell
