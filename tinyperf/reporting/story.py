"""All that a report says of one session, gathered from its folder; the figures are computed again."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter, ValidationError

from tinyperf import board as boards
from tinyperf.benchmark import BENCHMARKS
from tinyperf.errors import ContentError, TinyperfError
from tinyperf.formats import folder as formats
from tinyperf.formats import own
from tinyperf.reporting import published
from tinyperf.request import Request
from tinyperf.rules import accuracy
from tinyperf.session import listing, picture, replay, report, store
from tinyperf.session.costs import LayerCost

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.reporting.published import Published, Standing
    from tinyperf.result import RunResult
    from tinyperf.session.listing import Row
    from tinyperf.session.record import Record

LAYERS = TypeAdapter(list[LayerCost])
UNSAID = {"out", "jobs"}
"""Options that change no figure."""


@dataclass(frozen=True)
class Scores:
    """Accuracy in detail: `confusion` counts [label, decision], None of a detector; `roc`: name, points, area."""

    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...] | None
    roc: tuple[tuple[str, tuple[float, ...], tuple[float, ...], float], ...]


@dataclass(frozen=True)
class Trace:
    """Power of an energy session, milliwatts over seconds, thinned out; `windows`: begin and end in s, uJ per inf."""

    times_s: npt.NDArray[np.float64]
    power_mw: npt.NDArray[np.float64]
    windows: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Region:
    """A memory and what of it is in use: named parts, in bytes. `size`: None where the board is not known here."""

    name: str
    size: int | None
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Story:
    """One session. What there is not is None or empty. `command`: what measures it again."""

    row: Row
    record: Record
    result: RunResult | None
    layers: tuple[LayerCost, ...]
    memory: tuple[Region, ...]
    scores: Scores | None
    trace: Trace | None
    standing: Standing | None
    published: tuple[Published, ...]
    command: str

    @property
    def title(self) -> str:
        """What was measured, in a line."""
        model = self.row.model if self.row.benchmark == "custom" and self.row.model else self.row.benchmark
        engine = self.row.engine or "foreign firmware"
        return f"{model} on {self.row.board}, {engine}, {self.row.mode}"


def told(at: Path) -> Story:
    """The session in the folder `at`.

    Raises: UsageError, ContentError: no session, or a damaged one.
    """
    session = store.load(at)
    record = session.record
    measured = replay.measured_of(session)
    result = report.result(measured) if record.learned.timing or record.result is not None else None
    remark = report.remark(result) if result else ""
    standing = published.place(result, remark=remark) if result else None
    layers = _layers(at / store.LAYERS)
    return Story(
        row=listing.row(at, record, result),
        record=record,
        result=result,
        layers=layers,
        memory=_memory(record, sum(layer.weights_bytes for layer in layers) or None),
        scores=_scores(measured) if result and result.accuracy else None,
        trace=_trace(at) if result and result.energy else None,
        standing=standing,
        published=tuple(published.beside(record.planned.board, record.planned.benchmark)) if standing else (),
        command=command(record.planned.request),
    )


def _layers(path: Path) -> tuple[LayerCost, ...]:
    if not path.is_file():
        return ()
    try:
        return tuple(LAYERS.validate_json(path.read_bytes()))
    except (OSError, ValidationError) as exc:
        raise ContentError(f"{path} is damaged", hint="remove it: the report then tells of no layers") from exc


def _memory(record: Record, weights: int | None) -> tuple[Region, ...]:
    """Flash and RAM, of the board's where its description is still there; `weights`: bytes, where they are known."""
    used = record.planned.memory
    if used is None:
        return ()
    sizes: tuple[int | None, int | None] = (None, None)
    with contextlib.suppress(TinyperfError):
        memory = boards.load(record.planned.request.board).memory
        sizes = (
            (memory.flash.bytes, memory.ram.bytes + (memory.arena.bytes if memory.arena else 0)) if memory else sizes
        )
    regions = []
    for name, size, whole, part, known in (
        ("flash", sizes[0], used.flash_bytes, "weights", weights),
        ("RAM", sizes[1], used.ram_bytes, "arena", used.arena_bytes),
    ):
        if whole is None:
            continue
        parts = [(part, known), ("other", whole - known)] if known is not None and known <= whole else [("used", whole)]
        regions.append(Region(name, size, tuple(parts)))
    return tuple(regions)


def _scores(measured: report.Measured) -> Scores | None:
    """None where errors are scored, which have neither classes nor a curve."""
    planned = measured.record.planned
    if planned.metric not in ("top1", "auc") or planned.targets is not None:
        return None
    known = BENCHMARKS.get(planned.benchmark)
    rows, labels = report.outputs(measured)
    names = known.labels if known else tuple(str(k) for k in range(planned.classes))
    if planned.metric == "auc" and (rows.shape[1] == 1 or planned.classes == 2):
        return Scores(names, None, _curve(rows[:, -1], labels == 1, names[-1]))
    columns = accuracy.two_classes(rows)
    counts = accuracy.confusion(accuracy.decisions(columns), labels, max(planned.classes, columns.shape[1]))
    return Scores(names, tuple(tuple(map(int, row)) for row in counts), ())


def _curve(
    scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_], name: str
) -> tuple[tuple[str, tuple[float, ...], tuple[float, ...], float], ...]:
    if not positive.any() or positive.all() or not np.isfinite(scores).all():
        return ()
    fpr, tpr, _ = accuracy.roc(scores, positive)
    return ((name, tuple(map(float, fpr)), tuple(map(float, tpr)), accuracy.area(fpr, tpr)),)


def _trace(at: Path) -> Trace | None:
    if not (at / own.SIDECAR).is_file():
        return None
    recording = formats.energy(at)
    power_mw = recording.samples_j * recording.sample_rate_hz * 1e3
    windows = tuple((w.start_s, w.start_s + w.seconds, w.uj_per_inference) for w in replay.energy_windows(recording))
    return Trace(*picture.envelope(power_mw, recording.sample_rate_hz), windows)


def command(request: Request) -> str:
    """What is typed to measure the same again."""
    words = ["tinyperf", "run"]
    for field in fields(Request):
        value = getattr(request, field.name)
        if field.name in UNSAID or field.name == "benchmark" or value == field.default:
            continue
        if field.name == "build":
            words.append("--no-build")
        elif value is True:
            words.append(f"--{field.name}")
        else:
            words += [f"--{field.name.replace('_', '-')}", str(value)]
    return shlex.join([*words, *([request.benchmark] if request.benchmark else [])])
