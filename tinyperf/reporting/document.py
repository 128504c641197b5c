"""What a report says, in words and tables: the same for a page and for Markdown. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.figures import figure, score, significant, target
from tinyperf.rules import streaming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.reporting.story import Story
    from tinyperf.result import Accuracy
    from tinyperf.session.listing import Row

Kind = str
"""Of a badge: good, bad, mark (an estimate), or quiet."""


@dataclass(frozen=True)
class Table:
    """`numbers`: which columns are; `own`: the row that is this session's, -1: none."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[bool, ...]
    own: int = -1


@dataclass(frozen=True)
class Part:
    """One session. `standing` and `published` are there where something comparable is published."""

    title: str
    figure: str
    unit: str
    badges: tuple[tuple[Kind, str], ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    windows: Table | None
    layers: Table | None
    confusion: Table | None
    standing: str
    published: Table | None
    command: str


def part(story: Story) -> Part:
    """A session in words."""
    value, unit = headline(story.row)
    return Part(
        title=story.title + (f": {story.row.name}" if story.row.name else ""),
        figure=value,
        unit=unit,
        badges=_badges(story.row),
        reasons=story.result.reasons if story.result else ("the session is not finished",),
        notes=story.result.notes if story.result else (),
        facts=tuple((name, text) for name, text in _facts(story) if text),
        windows=_windows(story),
        layers=_layers(story),
        confusion=_confusion(story),
        standing=story.standing.text if story.standing else "",
        published=_published(story),
        command=story.command,
    )


def headline(row: Row) -> tuple[str, str]:
    """The figure of a session that its mode is for, and its unit; an estimate with a mark before it."""
    about = "~" if row.estimated else ""
    if row.mode == "accuracy" and row.accuracy is not None and row.metric is not None:
        name, value = score(row.metric, row.accuracy, None).split(" ", 1)
        return value, f"{name} of {row.samples} samples"
    if row.mode == "energy" and row.uj_per_inference is not None:
        return about + figure(row.uj_per_inference, 1), "µJ per inference"
    if row.latency_ms is not None:
        return about + figure(row.latency_ms), "ms per inference"
    return "no result", ""


def verdict(found: Accuracy, met: bool | None) -> str:
    """`top-1 92.3% of 1000 samples, target 90% met`. Args: met: None where there is no target."""
    things = "words" if found.metric == "f1" else "samples"
    value = f"{score(found.metric, found.value, found.target)} of {found.samples} {things}"
    against = f"({_target(found, met)})" if found.metric == "f1" else _target(found, met)
    return value if met is None else f"{value}, target {against} {'met' if met else 'missed'}"


def _target(found: Accuracy | None, met: bool | None) -> str:
    """What an accuracy is held against; empty where there is nothing."""
    if found is None or met is None:
        return ""
    return streaming.TARGET if found.target is None else target(found.metric, found.target)


def _is_estimate(row: Row) -> bool:
    """Some figure of it is; of accuracy mode that of a stream alone, which has a time too."""
    return bool(row.estimated) and (row.mode != "accuracy" or row.latency_ms is not None)


def _badges(row: Row) -> tuple[tuple[Kind, str], ...]:
    found: list[tuple[Kind, str]] = []
    if _is_estimate(row):
        found.append(("mark", "estimate" + (f" ±{row.error_percent:g} %" if row.error_percent is not None else "")))
    if row.valid is not None:
        found.append(("good", "valid") if row.valid else ("bad", "not valid"))
    else:
        found.append(("bad", "unfinished"))
    if row.target_met is not None:
        found.append(("good", "target met") if row.target_met else ("bad", "target missed"))
    if row.inputs != "official":
        found.append(("mark", f"{row.inputs} inputs"))
    if row.transport == "process":
        found.append(("mark", "a process on this computer, no microcontroller"))
    if row.engine is None:
        found.append(("mark", "foreign firmware"))
    return tuple(found)


def _facts(story: Story) -> list[tuple[str, str]]:
    row, planned = story.row, story.record.planned
    interval = f"{figure(row.uj_low, 1)} to {figure(row.uj_high, 1)} µJ" if row.uj_low and row.uj_high else ""
    details = planned.engine_details
    return [
        ("session", row.session),
        ("measured", f"{planned.created:%Y-%m-%d %H:%M} UTC with tinyperf {planned.tinyperf}"),
        ("device", f"{row.transport}: {planned.where}"),
        ("clock", f"{row.clock_hz / 1e6:g} MHz" if row.clock_hz else ""),
        ("cycles per inference", f"{row.cycles_per_inference:,}" if row.cycles_per_inference else ""),
        ("interval", interval),
        *_stream(story),
        ("target", _target(story.result.accuracy, story.result.target_met) if story.result else ""),
        ("memory", _memory(row)),
        ("model", f"{row.model}, SHA-256 {row.model_sha256}" if row.model else ""),
        ("engine", f"{row.engine}: {details.kernels} ({details.version})" if details else ""),
        ("compiler", f"{planned.toolchain.compiler}, {planned.toolchain.flags}" if planned.toolchain else ""),
        ("build id", row.build_id or ""),
    ]


def _stream(story: Story) -> list[tuple[str, str]]:
    """Of the streaming wakeword."""
    found = story.result.streaming if story.result else None
    if found is None:
        return []
    busy = f"{figure(found.duty_cycle)} of the time computing" if found.duty_cycle is not None else ""
    counts = [
        f"{one.true_positives} true positives, {one.false_negatives} false negatives, {one.false_positives} false"
        f" positives with {one.tail_s:g} s after a word"
        for one in found.scores
    ]
    return [
        ("stream", f"{found.wav_file}, {found.length_s:g} s: {found.frames} frames, {found.lost} lost"),
        ("duty cycle", busy),
        ("power", f"{figure(found.power_mw)} mW over the stream" if found.power_mw is not None else ""),
        ("detections", "; ".join(counts)),
    ]


def _memory(row: Row) -> str:
    arena = "arena" if row.ram_bytes is None else "of it arena"
    parts = {"flash": row.flash_bytes, "RAM": row.ram_bytes, arena: row.arena_bytes}
    return ", ".join(f"{name} {size:,} bytes" for name, size in parts.items() if size is not None)


def _windows(story: Story) -> Table | None:
    result = story.result
    if result and result.performance:
        rows = tuple(
            (
                str(k),
                str(w.inferences),
                f"{w.seconds:.6f}",
                figure(1e3 * w.seconds / w.inferences if w.inferences else 0),
            )
            for k, w in enumerate(result.performance.windows, 1)
        )
        return Table(("window", "inferences", "seconds", "ms"), rows, (True,) * 4)
    if result and result.energy:
        drawn = tuple(
            (str(k), f"{w.start_s:.3f}", f"{w.seconds:.3f}", figure(w.uj, 0), figure(w.uj_per_inference, 1))
            for k, w in enumerate(result.energy.windows, 1)
        )
        return Table(("window", "begin, s", "seconds", "µJ", "µJ per inference"), drawn, (True,) * 5)
    return None


def _layers(story: Story) -> Table | None:
    if not story.layers:
        return None
    total = sum(layer.cycles for layer in story.layers) or 1
    rows = tuple(
        (
            str(layer.index),
            layer.op,
            f"{layer.macs:,}",
            f"{layer.cycles:,}",
            f"{100 * layer.cycles / total:.1f}",
            figure(layer.cycles / layer.macs, 2) if layer.macs else "-",
            f"{layer.weights_bytes:,}",
            layer.kernel,
        )
        for layer in story.layers
    )
    head = ("#", "operator", "MACs", "cycles", "%", "cycles/MAC", "weights, B", "kernel")
    return Table(head, rows, (True, False, True, True, True, True, True, False))


def _confusion(story: Story) -> Table | None:
    """Counts of each label (rows) and decision (columns)."""
    counts = story.scores.confusion if story.scores else None
    if story.scores is None or counts is None:
        return None
    names = [*story.scores.labels, *(str(k) for k in range(len(story.scores.labels), len(counts)))]
    rows = tuple((name, *map(str, row)) for name, row in zip(names, counts, strict=True))
    return Table(("label \\ decision", *names), rows, (False, *(True for _ in names)))


def _published(story: Story) -> Table | None:
    """The published results of this board and benchmark, and where this one would come; an estimate has no rank."""
    place = story.standing
    if place is None:
        return None
    head = ("rank", "ms", "organisation", "engine", "round", "accuracy", "µJ")
    rows = [
        (
            str(1 + sum(other.latency_ms < one.latency_ms for other in story.published)),
            significant(one.latency_ms),
            one.organisation,
            one.engine,
            one.round,
            one.accuracy,
            significant(one.energy_uj) if one.energy_uj is not None else "",
        )
        for one in story.published
    ]
    at = sum(one.latency_ms < place.latency_ms for one in story.published)
    rank = f"would be {place.rank}" if place.rank is not None else "no rank: an estimate"
    about = "~" if place.estimated else ""
    rows.insert(at, (rank, about + significant(place.latency_ms), "this session", story.row.engine or "", "", "", ""))
    return Table(head, tuple(rows), (True, True, False, False, False, True, True), own=at)


def side_by_side(stories: Sequence[Story]) -> Table:
    """All sessions in one table, each figure against the first of the same benchmark and mode."""
    head = ("session", "model", "board", "engine", "mode", "figure", "against the first", "flash, B", "RAM, B", "valid")
    rows = []
    for story in stories:
        row = story.row
        value, unit = headline(row)
        rows.append(
            (
                row.name or row.session,
                (row.model if row.benchmark == "custom" else row.benchmark) or "",
                row.board or "",
                row.engine or "foreign",
                row.mode or "",
                f"{value} {unit.split(' ')[0]}".strip(),
                _against(row, next(one.row for one in stories if _kind(one.row) == _kind(row))),
                f"{row.flash_bytes:,}" if row.flash_bytes is not None else "",
                f"{row.ram_bytes:,}" if row.ram_bytes is not None else "",
                {True: "yes", False: "no", None: "unfinished"}[row.valid],
            )
        )
    return Table(head, tuple(rows), (False,) * 5 + (True,) * 4 + (False,))


def _kind(row: Row) -> tuple[str | None, str | None]:
    """What two sessions must share to be compared."""
    return row.benchmark, row.mode


def _against(row: Row, first: Row) -> str:
    """Percent of the first session of its kind; and said where one of the two is an estimate."""
    if row is first:
        return ""
    name = {"accuracy": "accuracy", "energy": "uj_per_inference"}.get(row.mode or "", "latency_ms")
    one, other = getattr(first, name), getattr(row, name)
    if one and other is not None:
        mixed = " (estimate against measurement)" if _is_estimate(row) != _is_estimate(first) else ""
        return f"{100 * (other - one) / one:+.1f} %{mixed}"
    return ""
