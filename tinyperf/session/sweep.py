"""Models x boards x engines x options x clocks: the cells of a sweep, what one takes, and the table of all.

A cell is one model on one board, by one inference in full detail on the virtual board, or the score of one model on
this computer, which is the same for all its boards. `tinyperf.session.cluster` spreads them.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from tinyperf import __version__, description
from tinyperf import board as boards
from tinyperf.datasets.own import ERRORS, Asked
from tinyperf.description import Count, Description
from tinyperf.engines import parse_engine
from tinyperf.errors import ContentError, TinyperfError
from tinyperf.learn import evaluate
from tinyperf.session import fleet, models
from tinyperf.session.choose import Content

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinyperf.board import Board

HINT = "docs/sweep.md shows one"
Names = Annotated[list[str], Field(min_length=1)]


class Subject(Description):
    """A model: a benchmark's shipped one, a file in its place, or a file alone. `data`: inputs to score it with."""

    benchmark: str | None = None
    model: str | None = None
    data: str | None = None
    samples: Count | None = None
    metric: Literal["top1", "auc"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Subject:
        if self.benchmark is None and self.model is None:
            raise ValueError("names neither benchmark nor model")
        return self


class Sweep(Description):
    """The file. Paths count from its folder. `options`: of every engine, `fold=off`, or "" for none."""

    models: Annotated[list[Subject], Field(min_length=1)]
    boards: Names
    engines: Names = Field(default_factory=lambda: ["aot"])
    options: Names = Field(default_factory=lambda: [""])
    clocks: list[Count] | None = None


@dataclass(frozen=True)
class Cell:
    """What is found out in one go. `board` None: the model's score. `key`: the same for the same question."""

    key: str
    subject: str
    benchmark: str | None
    model: str | None
    board: str | None
    engine: str
    clock_hz: int | None
    data: str | None
    samples: int | None
    metric: str | None


@dataclass(frozen=True)
class Row:
    """A line of the table. `accuracy`: of this computer, a fraction or, of mse and mae, the error. `pareto`: nothing of
    its model, or of another one of its benchmark that is scored too, is as good in time, RAM, flash and accuracy and
    better in one. `note`: of a cell that was begun more than once.
    """

    subject: str
    benchmark: str
    board: str
    clock_hz: int | None
    engine: str
    fits: bool | None
    latency_ms: float | None
    error_percent: float | None
    uj_per_inference: float | None
    flash_bytes: int | None
    ram_bytes: int | None
    arena_bytes: int | None
    metric: str | None
    accuracy: float | None
    pareto: bool
    estimated: bool
    reason: str
    note: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


COLUMNS = tuple(field.name for field in fields(Row))


def read(file: Path) -> list[Cell]:
    """The cells of a sweep, scores first; all that can be refused is refused here.

    Raises: ContentError: the file breaks a rule. UsageError, ModelError: a board, engine or model is not there.
    """
    sweep = description.read(file, Sweep, hint=HINT)
    scores: dict[str, Cell] = {}
    costs: dict[str, Cell] = {}
    engines = [_joined(engine, option) for engine in sweep.engines for option in sweep.options]
    for engine in engines:
        parse_engine(engine)
    paths = [
        str((file.parent / one).absolute()) if Path(one).suffix in boards.SUFFIXES else one for one in sweep.boards
    ]
    described = {one: boards.load(one) for one in paths}
    for one in sweep.models:
        path = file.parent / one.model if one.model else None
        _, model = models.named(one.benchmark, path)
        name = " ".join(part for part in (one.benchmark, path.stem if path else "") if part)
        if one.data is not None:
            data = str((file.parent / one.data).absolute())
            cell = _cell(model.sha256, name, one, path, data=data)
            scores[cell.key] = cell
        clocks: list[int | None] = list(sweep.clocks) if sweep.clocks else [None]
        for named, engine, clock in itertools.product(described, engines, clocks):
            board = described[named]
            cell = _cell(model.sha256, name, one, path, board=board, engine=engine, named=named, clock_hz=clock)
            costs[cell.key] = cell
    return [*scores.values(), *costs.values()]


def _joined(engine: str, option: str) -> str:
    if not option:
        return engine
    return f"{engine}{',' if ':' in engine else ':'}{option}"


def _cell(
    sha256: str,
    subject: str,
    one: Subject,
    path: Path | None,
    *,
    board: Board | None = None,
    named: str | None = None,
    engine: str = "aot",
    clock_hz: int | None = None,
    data: str | None = None,
) -> Cell:
    """The key holds everything that the answer depends on: the model's bytes, the board's whole description, ..."""
    scored = (data, one.samples, one.metric) if board is None else ()
    depends = (__version__, sha256, one.benchmark, repr(board), clock_hz, engine, scored)
    return Cell(
        key=hashlib.sha256(repr(depends).encode()).hexdigest()[:20],
        subject=subject,
        benchmark=one.benchmark,
        model=str(path.absolute()) if path else None,
        board=named,
        engine=engine,
        clock_hz=clock_hz or (board.clock_hz if board else None),
        data=data,
        samples=one.samples,
        metric=one.metric,
    )


def found(cell: Cell, model: bytes | None) -> dict[str, Any]:
    """What a cell comes to, JSON-ready: columns of the table; `reason` says what went wrong with this cell alone.

    Args: model: the file, where it is no shipped one; it need not be on the machine that works.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = None
        if model is not None:
            path = Path(folder) / Path(cell.model or "model.tflite").name
            path.write_bytes(model)
        try:
            return _score(cell, path) if cell.board is None else _cost(cell, path)
        except TinyperfError as exc:
            return {"reason": exc.seen.partition("\n")[0]}


def _score(cell: Cell, path: Path | None) -> dict[str, Any]:
    chosen, model = models.named(cell.benchmark, path)
    asked = Asked() if chosen else Asked(cell.metric)  # type: ignore[arg-type]  # Subject allows metrics alone
    data = Path(cell.data or "")
    got = evaluate.evaluate(chosen, model, backend="aot", data=data, samples=cell.samples, asked=asked)
    return {"metric": got.metric, "accuracy": got.value, "samples": got.samples, "inputs": got.inputs}


def _cost(cell: Cell, path: Path | None) -> dict[str, Any]:
    board = boards.load(cell.board or "", cell.clock_hz)
    (row,) = fleet.table([board], Content(cell.benchmark, path, cell.engine), jobs=1)
    names = ("fits", "latency_ms", "error_percent", "uj_per_inference", "flash_bytes", "ram_bytes", "arena_bytes")
    return {**{name: getattr(row, name) for name in names}, "reason": row.reason}


def table(cells: Sequence[Cell], answers: Mapping[str, Mapping[str, Any]], begun: Mapping[str, int]) -> list[Row]:
    """A row for each model, board, engine and clock that has an answer, with the model's score.

    Args: answers, begun: by a cell's key: what it came to, and how often it was begun.
    """
    scores = {(cell.benchmark, cell.model): cell for cell in cells if cell.board is None}
    rows = []
    for cell in cells:
        answer = answers.get(cell.key)
        if cell.board is None or answer is None:
            continue
        scored = scores.get((cell.benchmark, cell.model))
        score = answers.get(scored.key, {}) if scored else {}
        reasons = [answer.get("reason", ""), f"no score: {score['reason']}" if score.get("reason") else ""]
        notes = [_note("measured", begun.get(cell.key, 1)), _note("scored", begun.get(scored.key, 1) if scored else 1)]
        given = {name: answer.get(name) for name in COLUMNS if name in answer} | {
            "metric": score.get("metric"),
            "accuracy": score.get("accuracy"),
            "reason": "; ".join(part for part in reasons if part),
            "note": "; ".join(part for part in notes if part),
        }
        about: dict[str, Any] = {
            "subject": cell.subject,
            "benchmark": cell.benchmark or "custom",
            "board": Path(cell.board).stem,
        }
        about |= {"clock_hz": cell.clock_hz, "engine": cell.engine, "pareto": False, "estimated": True}
        rows.append(Row(**{**dict.fromkeys(COLUMNS), **about, **given}))
    return [Row(**(asdict(row) | {"pareto": _best(row, rows)})) for row in rows]


def _note(what: str, begun: int) -> str:
    return (
        f"{what} {begun} times: its worker or the sweep was stopped before the answer had arrived" if begun > 1 else ""
    )


def _best(row: Row, rows: Sequence[Row]) -> bool:
    """Not dominated by a row that it can be held against; a row without a figure is out of the race."""
    own = _axes(row)
    others = [_axes(one) for one in rows if _comparable(one, row)]
    if own is None:
        return False
    return not any(
        other is not None and other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in others
    )


def _comparable(one: Row, other: Row) -> bool:
    """Of one model; or of two that were scored alike: of others the smaller one is not the better one."""
    scored = one.accuracy is not None and other.accuracy is not None and one.metric == other.metric
    return one.benchmark == other.benchmark and (one.subject == other.subject or scored)


def _axes(row: Row) -> tuple[float, ...] | None:
    """The smaller the better: time, RAM, flash, lost accuracy."""
    values = (row.latency_ms, row.ram_bytes, row.flash_bytes)
    if any(value is None for value in values):
        return None
    lost = (row.accuracy or 0.0) * (1 if row.metric in ERRORS else -1)
    return (*(float(value or 0) for value in values), lost)


def stored(text: str, path: Path) -> dict[str, Any]:
    """The answer in a file of a sweep's folder.

    Raises: ContentError: damaged.
    """
    try:
        held = json.loads(text)
    except ValueError as exc:
        raise ContentError(f"{path}: {exc}", hint="remove it: the cell is then measured again") from exc
    if not isinstance(held, dict):
        raise ContentError(f"{path} is no answer", hint="remove it: the cell is then measured again")
    return held
