"""The table of a sweep as CSV, JSON and Markdown, and its Pareto picture."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from tinyperf.errors import MissingExtraError
from tinyperf.figures import figure
from tinyperf.reporting import markdown
from tinyperf.reporting.document import Table
from tinyperf.session import store, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tinyperf.session.sweep import Row

INK, PALE = "#1b6ca8", "#b9d3e6"
PANEL_IN, LINE_IN = 4.0, 0.14
"""Height of the panels, and of a line below them, in inches."""
WIDE = 50
"""Times the shortest time, from which on the axis has a mark for each power of ten alone."""


def write(rows: Sequence[Row], out: Path) -> list[Path]:
    """table.csv, table.json, table.md and, where something has a time, pareto.svg in the folder `out`.

    Raises: MissingExtraError: matplotlib is absent. DiskError: cannot be written.
    """
    texts = {
        "table.csv": csv_text(rows),
        "table.json": json.dumps([row.as_dict() for row in rows], indent=1) + "\n",
        "table.md": text(rows),
    }
    if any(row.latency_ms is not None for row in rows):
        texts["pareto.svg"] = picture(rows)
    for name, held in texts.items():
        store.write(out / name, held)
    return [out / name for name in texts]


def csv_text(rows: Sequence[Row]) -> str:
    """Under the names of the columns; what is not known is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, sweep.COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.as_dict() for row in rows)
    return out.getvalue()


def text(rows: Sequence[Row]) -> str:
    """Markdown; `*`: on the Pareto front."""
    head = ("", "model", "board", "MHz", "engine", "ms", "±%", "µJ", "flash, B", "RAM, B", "accuracy", "remarks")
    cells = tuple(
        (
            "*" if row.pareto else "",
            row.subject,
            row.board,
            f"{row.clock_hz / 1e6:g}" if row.clock_hz else "",
            row.engine,
            f"~{figure(row.latency_ms)}" if row.latency_ms is not None else "-",
            f"{row.error_percent:g}" if row.error_percent is not None else "?" if row.latency_ms is not None else "",
            f"~{figure(row.uj_per_inference, 1)}" if row.uj_per_inference is not None else "-",
            f"{row.flash_bytes:,}" if row.flash_bytes is not None else "-",
            f"{row.ram_bytes:,}" if row.ram_bytes is not None else "-",
            f"{row.metric} {figure(row.accuracy, 4)}" if row.accuracy is not None else "-",
            "; ".join(part for part in (row.reason, row.note) if part),
        )
        for row in rows
    )
    numbers = (False, False, False, True, False, True, True, True, True, True, True, False)
    lines = markdown.table(Table(head, cells, numbers))
    about = (
        "`~`: an estimate of the virtual board. `*`: nothing of its model, or of another one of its benchmark that is"
    )
    return (
        "\n".join([*lines, "", f"{about} scored too, is as good in time, RAM, flash and accuracy, and better in one."])
        + "\n"
    )


def picture(rows: Sequence[Row]) -> str:
    """SVG: time against RAM, flash and accuracy; what is on the front stands out, by numbers that are told below.

    Raises: MissingExtraError: matplotlib is absent.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as exc:
        raise MissingExtraError(f"{exc.name} is not installed", hint="pip install 'tinyperf[sweep]'") from exc
    timed = sorted((row for row in rows if row.latency_ms is not None), key=lambda row: row.latency_ms or 0.0)
    numbers = {row: n for n, row in enumerate((row for row in timed if row.pareto), start=1)}
    values: dict[str, Callable[[Row], float | None]] = {
        "RAM, KiB": lambda row: _kib(row.ram_bytes),
        "flash, KiB": lambda row: _kib(row.flash_bytes),
    }
    if any(row.accuracy is not None for row in timed):
        values["accuracy"] = lambda row: row.accuracy
    list_in = 0.2 + LINE_IN * len(numbers)
    drawn: Any = Figure(figsize=(4.5 * len(values), PANEL_IN + list_in), layout="constrained")
    above, below = drawn.subfigures(2, 1, height_ratios=(PANEL_IN, list_in))
    panels = above.subplots(1, len(values))
    for axes, (title, value) in zip(panels, values.items(), strict=True):
        _panel(axes, [(row, at) for row in timed if (at := value(row)) is not None], numbers)
        axes.set(xlabel="ms (estimated)", ylabel=title)
    told = [
        f"{n}  {row.subject}, {row.board}, {row.engine}: {figure(row.latency_ms or 0)} ms" for row, n in numbers.items()
    ]
    below.text(0.02, 1.0, "\n".join(told), fontsize=7, va="top", linespacing=1.4)
    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "pareto"}):
        drawn.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _panel(axes: Any, points: Sequence[tuple[Row, float]], numbers: Mapping[Row, int]) -> None:
    """Time against one other figure. Several rows may be one point, whose numbers then stand side by side."""
    from matplotlib.ticker import LogLocator, NullFormatter

    for front, colour, size in ((False, PALE, 30), (True, INK, 60)):
        shown = [(row, at) for row, at in points if (row in numbers) is front]
        axes.scatter([row.latency_ms for row, _ in shown], [at for _, at in shown], s=size, color=colour)
    at_point: dict[tuple[float, float], list[str]] = {}
    for row, at in points:
        if row in numbers:
            at_point.setdefault((row.latency_ms or 0.0, at), []).append(str(numbers[row]))
    for point, names in at_point.items():
        axes.annotate(
            ", ".join(names), point, xytext=(0, 5), textcoords="offset points", fontsize=7, va="bottom", ha="center"
        )
    times = [row.latency_ms or 0.0 for row, _ in points]
    wide = bool(times) and max(times) > WIDE * min(times)
    axes.set(xscale="log")
    axes.xaxis.set_major_formatter(lambda ms, _: f"{ms:g}")
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(y=0.12)
    axes.grid(alpha=0.3)


def _kib(size: int | None) -> float | None:
    return None if size is None else size / 1024
