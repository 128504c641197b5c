"""What must hold whatever breaks. One function says it, for every row of the campaign."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

TOLERANCE = 1e-3
"""Relative: a figure is right that no person would read differently."""


@dataclass(frozen=True)
class Row:
    """A fault and what must come of it.

    `exit_code`, `words`: what the person who ran it gets, and what the message must hold. `limit_s`: of the link's
    clock; no run may wait longer. `resumes`: `run --resume` with the fault gone must finish it. `off`: whether the
    instrument can still switch its target off.
    """

    group: str
    fault: str
    exit_code: int
    words: str = ""
    limit_s: float = 0.0
    resumes: bool = True
    off: bool = True


@dataclass(frozen=True)
class Outcome:
    """What came of one run. `figure`: latency in ms, top-1, or microjoules; None where none was given.

    `truth`: what it should be. `link_s`: how long the link's clock ran. `delivered`: results of measured inputs that
    reached this computer whole; `kept`: those that the folder holds. `asked`: the inputs that a run has. `supply`: what
    the instrument did to the target. `resumed`: exit code and figure of `--resume` with the fault gone, and how many
    inputs it sent; None where nothing was resumed.
    """

    exit_code: int
    message: str
    figure: float | None
    truth: float
    link_s: float
    delivered: int
    kept: int
    asked: int
    session: bool
    supply: Sequence[str] = field(default=())
    resumed: tuple[int, float | None, int] | None = None


@dataclass(frozen=True)
class Case:
    """A row and how it is played, in an empty folder. Each outcome must hold the invariants."""

    row: Row
    play: Callable[[Path], Iterable[Outcome]]
    slow: bool = False

    @property
    def name(self) -> str:
        """For pytest."""
        return f"{self.row.group}: {self.row.fault}".replace(" ", "-")


def broken(row: Row, seen: Outcome) -> list[str]:
    """The invariants that do not hold, in words."""
    return [
        *_figures(seen),
        *_message(row, seen),
        *_time(row, seen),
        *_kept(seen),
        *_supply(row, seen),
        *_resumed(row, seen),
    ]


def _figures(seen: Outcome) -> list[str]:
    if seen.exit_code != 0 or _right(seen.figure, seen.truth):
        return []
    return [f"a wrong figure is called valid: {seen.figure}, the truth is {seen.truth}"]


def _right(figure: float | None, truth: float) -> bool:
    return figure is not None and abs(figure - truth) <= TOLERANCE * abs(truth)


def _message(row: Row, seen: Outcome) -> list[str]:
    wrong = [] if seen.exit_code == row.exit_code else [f"exit code {seen.exit_code}, expected {row.exit_code}"]
    if row.words not in seen.message:
        wrong.append(f"the message does not say {row.words!r}")
    return [f"{what}: {seen.message!r}" for what in wrong]


def _time(row: Row, seen: Outcome) -> list[str]:
    return [f"it took {seen.link_s:.0f} s, the limit is {row.limit_s:.0f} s"] if seen.link_s > row.limit_s else []


def _kept(seen: Outcome) -> list[str]:
    """Of what arrived, the record that was being written at most is lost."""
    lost = seen.delivered - seen.kept
    return [f"{lost} of {seen.delivered} results that arrived are not in the folder"] if lost > 1 else []


def _supply(row: Row, seen: Outcome) -> list[str]:
    if "power on" not in seen.supply:
        return []
    wrong = [] if seen.session else ["the target was on, and no session is left of it"]
    if (seen.supply[-1] == "power off") != row.off:
        wrong.append(f"the target's supply: {', '.join(seen.supply)}")
    return wrong


def _resumed(row: Row, seen: Outcome) -> list[str]:
    if seen.resumed is None:
        wanted = row.resumes and seen.session and seen.exit_code not in {0, 1}
        return ["nothing was resumed"] if wanted else []
    code, figure, sent = seen.resumed
    if not row.resumes:
        return [] if code != 0 else [f"--resume gave {figure}, and should have refused"]
    wrong = [] if code == 0 and _right(figure, seen.truth) else [f"--resume ended with {code} and {figure}"]
    if sent > seen.asked - seen.kept:
        wrong.append(f"--resume sent {sent} inputs, {seen.kept} of {seen.asked} were there")
    return wrong
