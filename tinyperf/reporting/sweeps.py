"""The table of a sweep as CSV, JSON and Markdown, and its Pareto picture."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from tinyperf.errors import MissingExtraError
from tinyperf.figures import figure
from tinyperf.reporting import markdown
from tinyperf.reporting.document import Table
from tinyperf.session import store, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tinyperf.session.sweep import Row

INK, PALE = "#1b6ca8", "#b9d3e6"


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
    """Markdown; `*`: on the Pareto front of its benchmark."""
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
    about = "`~`: an estimate of the virtual board. `*`: nothing of its benchmark is as good in time, RAM, flash and"
    return "\n".join([*lines, "", f"{about} accuracy, and better in one."]) + "\n"


def picture(rows: Sequence[Row]) -> str:
    """SVG: time against RAM, flash and accuracy; what is on the front stands out and is named.

    Raises: MissingExtraError: matplotlib is absent.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogLocator, NullFormatter
    except ImportError as exc:
        raise MissingExtraError(f"{exc.name} is not installed", hint="pip install 'tinyperf[sweep]'") from exc
    timed = [row for row in rows if row.latency_ms is not None]
    axes_of: dict[str, Callable[[Row], float | None]] = {
        "RAM, KiB": lambda row: _kib(row.ram_bytes),
        "flash, KiB": lambda row: _kib(row.flash_bytes),
    }
    if any(row.accuracy is not None for row in timed):
        axes_of["accuracy"] = lambda row: row.accuracy
    drawn = Figure(figsize=(5 * len(axes_of), 4.5), layout="constrained")
    for axes, (title, value) in zip(drawn.subplots(1, len(axes_of)), axes_of.items(), strict=True):
        for front, colour, size in ((False, PALE, 30), (True, INK, 60)):
            points = [(row, value(row)) for row in timed if row.pareto is front]
            shown = [(row, at) for row, at in points if at is not None]
            axes.scatter([row.latency_ms for row, _ in shown], [at for _, at in shown], s=size, color=colour)
            named: dict[tuple[float, float], list[str]] = {}  # several rows may be one point
            for row, at in shown if front else ():
                named.setdefault((row.latency_ms or 0.0, at), []).append(f" {row.subject}, {row.board}, {row.engine}")
            for point, words in named.items():
                axes.annotate("\n".join(words), point, fontsize=6, va="bottom")
        axes.set(xlabel="ms (estimated)", ylabel=title, xscale="log")
        axes.xaxis.set_major_formatter(lambda ms, _: f"{ms:g}")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.3)
    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "pareto"}):
        drawn.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _kib(size: int | None) -> float | None:
    return None if size is None else size / 1024
