"""Sessions as rows of a table: found by folder, by name or by the beginning of either, and held against each other."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter, ValidationError

from tinyperf.errors import ContentError, TinyperfError, UsageError
from tinyperf.result import RunResult
from tinyperf.session import replay, report, store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinyperf.session.record import Record

State = Literal["finished", "unfinished", "damaged"]
LATEST = "last"
DEEPEST = 3
"""Levels of folders below the one that is searched: `run --mode all --out X` makes X/performance."""


@dataclass(frozen=True)
class Row:
    """One session; what it does not tell is None. Units as in `RunResult`; `uj_low`, `uj_high`: the interval.

    `session`: its folder. `state`: damaged where `session.json` cannot be read, and `reasons` then says why. `engine`:
    with its options, as it was asked for. `remark`: what must stand beside every figure.
    """

    session: str
    state: State
    name: str | None = None
    created: str | None = None
    benchmark: str | None = None
    model: str | None = None
    board: str | None = None
    clock_hz: int | None = None
    engine: str | None = None
    mode: str | None = None
    transport: str | None = None
    inputs: str | None = None
    estimated: bool | None = None
    error_percent: float | None = None
    valid: bool | None = None
    target_met: bool | None = None
    latency_ms: float | None = None
    cycles_per_inference: int | None = None
    metric: str | None = None
    accuracy: float | None = None
    samples: int | None = None
    uj_per_inference: float | None = None
    uj_low: float | None = None
    uj_high: float | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    arena_bytes: int | None = None
    compiler: str | None = None
    kernels: str | None = None
    build_id: str | None = None
    model_sha256: str | None = None
    reasons: str = ""
    remark: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


COLUMNS = tuple(field.name for field in fields(Row))
_RESULT = TypeAdapter(RunResult)
OWN = {"session", "created", "build_id"}
"""Of each session: no difference worth a line."""


@dataclass(frozen=True)
class Difference:
    """One column in which sessions differ: a value for each of them.

    `percent`: of each figure, how far it is from the first session's; None where there is no such number.
    """

    what: str
    values: tuple[str | float | bool | None, ...]
    percent: tuple[float | None, ...]


def rows(root: Path) -> list[Row]:
    """Every session below `root`, the oldest first, each as its `session.json` says; nothing is computed again.

    Raises: UsageError: there is no such folder.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is no folder", hint="--dir DIR names another; 'tinyperf run' makes ./sessions")
    return sorted((_row(at) for at in _folders(root)), key=lambda row: (row.created or "", row.session))


def _folders(root: Path) -> Iterable[Path]:
    for depth in range(DEEPEST + 1):
        yield from (path.parent for path in sorted(root.glob("*/" * depth + store.RECORD)))


def find(wanted: str, root: Path) -> Path:
    """The folder of a session: a path; or below `root` its folder's name, its own name, or how either begins; `last`.

    Raises: UsageError: none, or several.
    """
    if (Path(wanted) / store.RECORD).is_file():
        return Path(wanted)
    known = rows(root) if root.is_dir() else []
    if wanted == LATEST and known:
        return Path(known[-1].session)
    names = {row.session: [text for text in (Path(row.session).name, row.name) if text] for row in known}
    for fits in (lambda text: text == wanted, lambda text: bool(wanted) and text.startswith(wanted)):
        found = [session for session, words in names.items() if any(map(fits, words))]
        if len(found) == 1:
            return Path(found[0])
        if found:
            raise UsageError(f"'{wanted}' is {len(found)} sessions: {', '.join(found)}", hint="name one by its folder")
    near = difflib.get_close_matches(wanted, [text for words in names.values() for text in words], n=1)
    raise UsageError(
        f"no session '{wanted}', neither as a folder nor in {root}",
        hint=(f"did you mean '{near[0]}'? " if near else "") + "'tinyperf sessions list' shows what there is",
    )


def held(record: Record, at: Path) -> RunResult | None:
    """The result that a session was concluded with; None where it is not finished.

    Raises: ContentError: it is no result.
    """
    if record.result is None:
        return None
    try:
        return _RESULT.validate_python(record.result)
    except ValidationError as exc:
        where = ", ".join(sorted({".".join(map(str, error["loc"])) for error in exc.errors()}))
        raise ContentError(
            f"{at / store.RECORD}: the result is damaged: {where}", hint=f"'tinyperf replay {at}' computes it again"
        ) from exc


def _row(at: Path) -> Row:
    try:
        record = store.load(at).record
        return row(at, record, held(record, at))
    except TinyperfError as exc:
        return Row(str(at), "damaged", reasons=exc.seen)


def measured(at: Path) -> Row:
    """The session in the folder `at`, its figures computed again from what was measured.

    Raises: UsageError, ContentError: no session, or a damaged one.
    """
    record = store.load(at).record
    return row(at, record, replay.recompute(at) if record.result is not None else None)


def row(at: Path, record: Record, found: RunResult | None) -> Row:
    """A session and its result as one row."""
    planned = record.planned
    about: dict[str, Any] = {
        "name": planned.request.name,
        "created": planned.created.isoformat(),
        "benchmark": planned.benchmark,
        "model": planned.model.name if planned.model else None,
        "model_sha256": planned.model.sha256 if planned.model else None,
        "board": planned.board,
        "clock_hz": planned.clock_hz,
        "engine": planned.request.engine if planned.engine else None,
        "mode": planned.mode,
        "transport": record.transport,
        "inputs": planned.inputs,
        "estimated": planned.estimated,
        "build_id": record.build_id,
        "compiler": planned.toolchain.compiler if planned.toolchain else None,
        "kernels": planned.engine_details.kernels if planned.engine_details else None,
        **(_sizes(record)),
    }
    if found is None:
        return Row(str(at), "unfinished", **about)
    return Row(str(at), "finished", **about, **_figures(found))


def _sizes(record: Record) -> dict[str, Any]:
    memory = record.planned.memory
    names = ("flash_bytes", "ram_bytes", "arena_bytes")
    return {name: getattr(memory, name) if memory else None for name in names}


def _figures(found: RunResult) -> dict[str, Any]:
    low, high = found.energy.uj_interval if found.energy else (None, None)
    return {
        "error_percent": found.error_percent,
        "valid": found.valid,
        "target_met": found.target_met,
        "latency_ms": found.performance.latency_ms if found.performance else None,
        "cycles_per_inference": found.cycles_per_inference,
        "metric": found.accuracy.metric if found.accuracy else None,
        "accuracy": found.accuracy.value if found.accuracy else None,
        "samples": found.accuracy.samples if found.accuracy else None,
        "uj_per_inference": found.energy.uj_per_inference if found.energy else None,
        "uj_low": low,
        "uj_high": high,
        "reasons": "; ".join(found.reasons),
        "remark": report.remark(found).strip(" ()"),
    }


def differences(sessions: Sequence[Row]) -> list[Difference]:
    """The columns in which not all sessions are alike; figures also as percent of the first."""
    found = []
    for name in COLUMNS:
        values = tuple(getattr(one, name) for one in sessions)
        if name not in OWN and len(set(values)) > 1:
            found.append(Difference(name, values, tuple(_percent(values[0], value) for value in values)))
    return found


def _percent(first: object, value: object) -> float | None:
    numbers = [one for one in (first, value) if isinstance(one, int | float) and not isinstance(one, bool)]
    return 100.0 * (numbers[1] - numbers[0]) / numbers[0] if len(numbers) == 2 and numbers[0] else None
