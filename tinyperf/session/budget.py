"""Limits for models on boards, and whether they are kept: for a pull request that makes a model larger or slower.

Time and energy are estimates of the virtual board, memory is the linker's, accuracy the host's, whose outputs are the
firmware's bit for bit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, model_validator

from tinyperf import board as boards
from tinyperf import description
from tinyperf.datasets.own import Asked
from tinyperf.description import Count, Description
from tinyperf.engines import parse_engine
from tinyperf.figures import figure
from tinyperf.learn import evaluate
from tinyperf.result import Metric
from tinyperf.session import fleet, models
from tinyperf.session.choose import Content
from tinyperf.session.progress import silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.board import Board
    from tinyperf.session.fleet import Row
    from tinyperf.session.progress import Progress

HINT: Final = "docs/budget.md shows one; 'tinyperf check-budget --help' too"
MOST: Final = ("latency_ms", "uj_per_inference", "flash_bytes", "ram_bytes", "arena_bytes")
"""What must not be more than the limit; accuracy must not be less."""
ESTIMATED: Final = {"latency_ms": "error_percent", "uj_per_inference": "energy_error_percent"}
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Limits(Description):
    """Limits of one model on one board. `model`, `data`: paths, from the file's own folder."""

    benchmark: str | None = None
    model: str | None = None
    board: str
    engine: str = "aot"
    clock_hz: Count | None = None
    latency_ms: Positive | None = None
    uj_per_inference: Positive | None = None
    flash_bytes: Count | None = None
    ram_bytes: Count | None = None
    arena_bytes: Count | None = None
    accuracy: Annotated[float, Field(gt=0, le=1)] | None = None
    data: str | None = None
    samples: Count | None = None
    metric: Metric | None = None

    @model_validator(mode="after")
    def _whole(self) -> Limits:
        if self.benchmark is None and self.model is None:
            raise ValueError("names neither benchmark nor model")
        if all(getattr(self, name) is None for name in (*MOST, "accuracy")):
            raise ValueError(f"has no limit: {', '.join(MOST)}, accuracy")
        if self.accuracy is not None and self.data is None:
            raise ValueError("an accuracy needs data")
        if self.metric in ("mse", "mae"):
            raise ValueError("an error is no accuracy: top1 or auc")
        return self


class Budget(Description):
    """The file."""

    limits: Annotated[list[Limits], Field(min_length=1)]


@dataclass(frozen=True)
class Held:
    """One limit. `value` None: it could not be found out, and `reason` says why; it then counts as broken.

    `error_percent`: of an estimate, None where it was not measured or the value is no estimate.
    """

    model: str
    board: str
    engine: str
    what: str
    limit: float
    value: float | None
    kept: bool
    estimated: bool
    error_percent: float | None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


def check(file: Path, progress: Progress = silent) -> list[Held]:
    """Every limit of the file, in its order.

    Raises: ContentError: the file breaks a rule. UsageError, DataError: no such board, engine, benchmark, or data.
    """
    budget = description.read(file, Budget, hint=HINT)
    for one in budget.limits:  # all that can be refused before anything is built
        _board(one, file)
        models.named(one.benchmark, _path(one, file))
        parse_engine(one.engine)
    found: list[Held] = []
    for number, one in enumerate(budget.limits):
        progress(f"{_name(one)} on {one.board}", number, len(budget.limits))
        found += _held(one, file)
    return found


def _board(one: Limits, file: Path) -> Board:
    described = Path(one.board).suffix in boards.SUFFIXES
    return boards.load(str(file.parent / one.board) if described else one.board, one.clock_hz)


def _path(one: Limits, file: Path) -> Path | None:
    return file.parent / one.model if one.model else None


def _name(one: Limits) -> str:
    own = Path(one.model).stem if one.model else ""
    return " ".join(part for part in (one.benchmark, own) if part)


def _held(one: Limits, file: Path) -> list[Held]:
    path = _path(one, file)
    rows = []
    if any(getattr(one, name) is not None for name in MOST):
        (row,) = fleet.table([_board(one, file)], Content(one.benchmark, path, one.engine), jobs=1)
        rows += [_most(one, name, row) for name in MOST if getattr(one, name) is not None]
    if one.accuracy is not None:
        rows.append(_least(one, path, file))
    return rows


def _most(one: Limits, name: str, row: Row) -> Held:
    limit, value = float(getattr(one, name)), getattr(row, name)
    kept = value is not None and value <= limit and row.fits is not False
    return Held(
        model=_name(one),
        board=one.board,
        engine=one.engine,
        what=name,
        limit=limit,
        value=value,
        kept=kept,
        estimated=name in ESTIMATED,
        error_percent=getattr(row, ESTIMATED[name]) if name in ESTIMATED else None,
        reason="" if kept else row.reason or ("" if value is not None else "not known of this board"),
    )


def _least(one: Limits, path: Path | None, file: Path) -> Held:
    """Accuracy on this computer, by engine aot's C."""
    chosen, model = models.named(one.benchmark, path)
    data = file.parent / (one.data or "")
    asked = Asked() if chosen else Asked(one.metric)
    found = evaluate.evaluate(chosen, model, backend="aot", data=data, samples=one.samples, asked=asked)
    value = found.value
    return Held(
        model=_name(one),
        board=one.board,
        engine=one.engine,
        what=found.metric,
        limit=one.accuracy or 0.0,
        value=value,
        kept=value is not None and value >= (one.accuracy or 0.0),
        estimated=False,
        error_percent=None,
        reason="" if found.inputs in ("official", "user") else f"{found.inputs} inputs, {found.samples} samples",
    )


def markdown(rows: Sequence[Held]) -> str:
    """For a comment on a pull request: what broke first, then the rest."""
    broken = sum(not row.kept for row in rows)
    head = f"**{broken} of {len(rows)} limits broken**" if broken else f"all {len(rows)} limits kept"
    lines = [f"### Budget: {head}", "", "| | model | board | engine | | value | limit | |", "| --- " * 8 + "|"]
    for row in sorted(rows, key=lambda row: row.kept):
        decimals = 4 if row.what in ("top1", "auc") else 3 if row.what in ESTIMATED else 0
        value = "-" if row.value is None else ("~" if row.estimated else "") + figure(row.value, decimals)
        error = "estimate" + (f" ±{row.error_percent:g} %" if row.error_percent is not None else "")
        words = "; ".join(part for part in (error if row.estimated else "", row.reason) if part)
        cells = ("ok" if row.kept else "**broken**", row.model, row.board, row.engine, row.what, value)
        lines.append("| " + " | ".join((*cells, figure(row.limit, decimals), words.replace("|", "\\|"))) + " |")
    return "\n".join(lines) + "\n"
