"""The published MLPerf Tiny results of microcontrollers, rounds v0.5 to v1.3, and where another figure would stand.

`published.csv` beside this module holds facts alone, each with its source: a file of the round's public repository.
"""

from __future__ import annotations

import csv
import difflib
import math
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyperf.errors import UsageError
from tinyperf.figures import error, significant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinyperf.result import RunResult

TABLE = Path(__file__).parent / "published.csv"


@dataclass(frozen=True)
class Published:
    """One published result.

    `latency_ms`: median of five windows, performance mode; sww: mean time of a frame, front end included.
    `energy_uj`: of one inference, None where none was submitted; sww: of one 32 ms frame.
    `accuracy`: as published: top-1 in percent, AUC (ad), TP/FN/FP (sww); empty where the submission lacks it.
    `source`: the file in github.com/mlcommons/tiny_results_<round> that says so.
    """

    round: str
    organisation: str
    board: str
    mcu: str
    core: str
    clock_mhz: float
    engine: str
    software: str
    benchmark: str
    latency_ms: float
    energy_uj: float | None
    supply_v: float | None
    accuracy: str
    source: str

    @property
    def url(self) -> str:
        return f"https://github.com/mlcommons/tiny_results_{self.round}/blob/main/{self.source}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "url": self.url}


@dataclass(frozen=True)
class Ranked:
    """A published result and its place by latency among those of its benchmark that it is shown with; 1 is fastest."""

    rank: int
    result: Published

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"rank": self.rank, **self.result.as_dict()}


@dataclass(frozen=True)
class Standing:
    """Where a latency would stand among the published results of one board and benchmark.

    `rank`: its place, None for an estimate, which is no measurement and takes none. `first`, `last`: the places that
    the latency may take within its error; equal for a measurement. `of`: the published results and this one.
    """

    board: str
    benchmark: str
    latency_ms: float
    estimated: bool
    error_percent: float | None
    rank: int | None
    first: int
    last: int
    of: int
    best: Published

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "best": self.best.as_dict(), "text": self.text}

    @property
    def text(self) -> str:
        """One sentence for people."""
        places = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        estimate = f", estimated, {error(self.error_percent)}: no measurement, so it takes no rank"
        best = f"{self.best.organisation}, {self.best.engine}, {self.best.round}"
        return (
            f"would stand {places} of {self.of} in {self.benchmark} on {self.board}"
            + (estimate if self.estimated else "")
            + f"; the fastest published is {significant(self.best.latency_ms)} ms ({best})"
        )


def results(*, board: str | None = None, benchmark: str | None = None) -> list[Published]:
    """Every published result, by benchmark and latency; of one board or benchmark only if named.

    Args:
        board: a name without regard to case, blanks and punctuation; a part of a name takes every board that holds it.
        benchmark: kws, vww, ic, ad or sww; kws01 is kws.

    Raises: UsageError: no result is of that board or benchmark; the closest names are suggested.
    """
    rows = _table()
    if board is not None:
        wanted = _boards_named(board)
        rows = tuple(row for row in rows if row.board in wanted)
    if benchmark is not None:
        name = _benchmark_named(benchmark)
        rows = tuple(row for row in rows if row.benchmark == name)
    return sorted(rows, key=lambda row: (row.benchmark, row.latency_ms))


def ranked(rows: Iterable[Published]) -> list[Ranked]:
    """Places by latency, each benchmark for itself; equal latencies share a place."""
    rows = sorted(rows, key=lambda row: (row.benchmark, row.latency_ms))
    return [
        Ranked(
            1 + sum(other.benchmark == row.benchmark and other.latency_ms < row.latency_ms for other in rows),
            row,
        )
        for row in rows
    ]


def standing(
    board: str, benchmark: str, latency_ms: float, *, estimated: bool, error_percent: float | None = None
) -> Standing | None:
    """Where `latency_ms` would stand on the same board and benchmark; None where nothing is published of the two.

    Args:
        board: as written in a board file or in the table; unlike `results`, the whole name.
        latency_ms: of one inference, finite and above 0.
        estimated: the figure comes from a virtual board or a model of one; it then takes no rank.
        error_percent: of an estimate, at least 0; None: not measured, so only the figure itself is placed.

    Raises: ValueError: a latency or an error that is none.
    """
    if not (math.isfinite(latency_ms) and latency_ms > 0):
        msg = f"a latency of {latency_ms} ms"
        raise ValueError(msg)
    if error_percent is not None and not (math.isfinite(error_percent) and error_percent >= 0):
        msg = f"an error of {error_percent} %"
        raise ValueError(msg)
    same = beside(board, benchmark)
    if not same:
        return None
    spread = (error_percent or 0.0) / 100 if estimated else 0.0
    first, last = (1 + sum(row.latency_ms < latency_ms * factor for row in same) for factor in (1 - spread, 1 + spread))
    return Standing(
        board=same[0].board,
        benchmark=benchmark,
        latency_ms=latency_ms,
        estimated=estimated,
        error_percent=error_percent if estimated else None,
        rank=None if estimated else first,
        first=first,
        last=last,
        of=len(same) + 1,
        best=same[0],
    )


def beside(board: str, benchmark: str) -> list[Published]:
    """What is published of exactly this board and benchmark, the fastest first; unlike `results`, the whole name."""
    return [row for row in results() if (row.benchmark, _plain(row.board)) == (benchmark, _plain(board))]


def place(found: RunResult, *, remark: str) -> Standing | None:
    """Where the latency of a run would stand; None for what is no result, and where nothing is published of its board.

    Args: remark: what must stand beside its figures; anything but an estimate makes it no result.
    """
    if found.performance is None or not found.valid or (remark and not found.estimated):
        return None
    return standing(
        found.board,
        found.benchmark,
        found.performance.latency_ms,
        estimated=found.estimated,
        error_percent=found.error_percent,
    )


@cache
def _table() -> tuple[Published, ...]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(_row(row) for row in csv.DictReader(file))


def _row(row: dict[str, str]) -> Published:
    figures: dict[str, Callable[[str], Any]] = {
        "clock_mhz": float,
        "latency_ms": float,
        "energy_uj": _optional,
        "supply_v": _optional,
    }
    return Published(**{name: figures.get(name, str)(text) for name, text in row.items()})


def _optional(text: str) -> float | None:
    return float(text) if text else None


def _plain(name: str) -> str:
    """NUCLEO-L4R5ZI, nucleo_l4r5zi and "Nucleo L4R5ZI" are one board."""
    return re.sub(r"[\W_]", "", name).casefold()


def _boards_named(name: str) -> set[str]:
    by_plain: dict[str, set[str]] = {}
    for row in _table():
        by_plain.setdefault(_plain(row.board), set()).add(row.board)
    plain = _plain(name)
    if plain in by_plain:
        return by_plain[plain]
    if parts := {board for key, boards in by_plain.items() if plain and plain in key for board in boards}:
        return parts
    near = [min(by_plain[key]) for key in difflib.get_close_matches(plain, by_plain, n=3)]
    raise UsageError(
        f"no published result is of a board '{name}'",
        hint=(f"did you mean {' or '.join(near)}? " if near else "")
        + "'tinyperf published' without --board shows every board that has one",
    )


def _benchmark_named(name: str) -> str:
    known = sorted({row.benchmark for row in _table()})
    plain = name.casefold().removesuffix("01")
    if plain in known:
        return plain
    near = difflib.get_close_matches(plain, known, n=1)
    raise UsageError(
        f"no published result is of a benchmark '{name}'",
        hint=(f"did you mean '{near[0]}'? " if near else "") + f"there are {', '.join(known)}",
    )
