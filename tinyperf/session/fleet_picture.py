"""One picture of a model on many boards: time, energy, RAM and flash side by side; PNG, or one HTML page by plotly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.errors import DiskError, MissingExtraError, UsageError
from tinyperf.figures import error, significant
from tinyperf.session.fleet import name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tinyperf.session.fleet import Row


@dataclass(frozen=True)
class Panel:
    """Bars of one figure: `errors` in the unit of `values`, 0 where none was measured, which `labels` then say."""

    title: str
    values: list[float]
    errors: list[float]
    labels: list[str]


def draw(rows: Sequence[Row], title: str, out: Path) -> Path:
    """Draw `rows` into `out` (.png or .html), the first on top.

    Raises: UsageError: another suffix. MissingExtraError. DiskError: cannot be written.
    """
    drawers = {".png": _png, ".html": _html}
    if out.suffix not in drawers:
        raise UsageError(f"{out}: a picture is .png or .html", hint="for example boards.html")
    try:
        drawers[out.suffix]([name(row) for row in rows], panels(rows), title, out)
    except ImportError as exc:
        raise MissingExtraError(f"{exc.name} is not installed", hint="pip install 'tinyperf[plot]'") from exc
    except OSError as exc:
        raise DiskError(f"{out}: {exc.strerror}", hint="give another file") from exc
    return out


def panels(rows: Sequence[Row]) -> list[Panel]:
    """What is drawn; a figure that a row lacks is a bar of no length, with the reason where the board cannot be had."""
    return [
        _estimates("ms an inference", [(row.latency_ms, row.error_percent, _why_not(row)) for row in rows]),
        _estimates("uJ an inference", [(row.uj_per_inference, row.energy_error_percent, "") for row in rows]),
        _sizes("RAM, kB", [row.ram_bytes for row in rows]),
        _sizes("flash, kB", [row.flash_bytes for row in rows]),
    ]


def _why_not(row: Row) -> str:
    if row.fits is False:
        return "does not fit"
    return "no estimate" if row.instructions_per_inference else "not run"


def _estimates(title: str, rows: Sequence[tuple[float | None, float | None, str]]) -> Panel:
    return Panel(
        title,
        [value or 0.0 for value, _, _ in rows],
        [(value or 0.0) * (percent or 0.0) / 100 for value, percent, _ in rows],
        [why if value is None else f"{significant(value, 3)} {error(percent)}" for value, percent, why in rows],
    )


def _sizes(title: str, sizes: Sequence[int | None]) -> Panel:
    values = [(size or 0) / 1e3 for size in sizes]
    labels = ["" if size is None else significant(size / 1e3, 3) for size in sizes]
    return Panel(title, values, [0.0] * len(values), labels)


def _png(names: list[str], drawn: list[Panel], title: str, out: Path) -> None:
    from matplotlib.figure import Figure

    picture = Figure(figsize=(16, 1.2 + 0.42 * len(names)), layout="constrained")
    columns = picture.subplots(1, len(drawn), sharey=True)
    for axes, panel in zip(columns, drawn, strict=True):
        bars = axes.barh(names, panel.values, xerr=panel.errors if any(panel.errors) else None, ecolor="0.35")
        axes.bar_label(bars, panel.labels, padding=4, fontsize=8)
        axes.set_xlim(0, 1.6 * (max(panel.values, default=0.0) or 1.0))
        axes.set(title=panel.title)
        axes.spines[["top", "right"]].set_visible(False)
    columns[0].invert_yaxis()
    picture.suptitle(title)
    picture.savefig(out, dpi=120)


def _html(names: list[str], drawn: list[Panel], title: str, out: Path) -> None:
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    picture = make_subplots(cols=len(drawn), subplot_titles=[panel.title for panel in drawn], shared_yaxes=True)
    for column, panel in enumerate(drawn, 1):
        bars = go.Bar(
            x=panel.values,
            y=names,
            orientation="h",
            text=panel.labels,
            error_x={"array": panel.errors},
            name=panel.title,
        )
        picture.add_trace(bars, row=1, col=column)
    picture.update_yaxes(autorange="reversed")
    picture.update_layout(title=title, showlegend=False, height=160 + 40 * len(names))
    picture.write_html(out, include_plotlyjs=True)
