"""Where an inference spends its cycles: a bar for each layer, of its work and of what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.errors import DiskError, MissingExtraError, UsageError
from tinyperf.figures import figure
from tinyperf.session.costs import FunctionCost

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tinyperf.session.costs import LayerCost
    from tinyperf.session.profile import Profile

COLOURS = {
    "work": "#1b6ca8",
    "queue": "#f2c14e",
    "buses": "#e08a1e",
    "branches": "#b5651d",
    "operands": "#9c9c9c",
    "flash_code": "#c0392b",
    "flash_data": "#e8998d",
}
MOST = 40
"""Functions, the dearest ones."""


def draw(found: Profile, title: str, out: Path) -> Path:
    """Draw the layers of `found`, or its functions, into `out` (.png or .html), the first on top.

    Raises: UsageError: another suffix, or nothing to draw. MissingExtraError. DiskError: cannot be written.
    """
    drawers = {".png": _png, ".html": _html}
    if out.suffix not in drawers:
        raise UsageError(f"{out}: a picture is .png or .html", hint="for example layers.html")
    parts: Sequence[LayerCost | FunctionCost] = found.layers or found.functions[:MOST]
    if not parts:
        raise UsageError("there are no layers to draw", hint="leave --plot out, or give an ELF")
    try:
        drawers[out.suffix](names(parts), segments(parts), title, out)
    except ImportError as exc:
        raise MissingExtraError(f"{exc.name} is not installed", hint="pip install 'tinyperf[plot]'") from exc
    except OSError as exc:
        raise DiskError(f"{out}: {exc.strerror}", hint="give another file") from exc
    return out


def names(parts: Sequence[LayerCost | FunctionCost]) -> list[str]:
    """`0 CONV_2D, conv_pairs_dsp`; a second node of the same operator is told apart by its number in the row."""
    found: list[str] = []
    for part in parts:
        name = part.name if isinstance(part, FunctionCost) else f"{part.index} {part.op}, {part.kernel}"
        found.append(name if name not in found else f"{name} ({sum(one.startswith(name) for one in found) + 1})")
    return found


def segments(parts: Sequence[LayerCost | FunctionCost]) -> dict[str, list[float]]:
    """Thousands of cycles by what they are spent on, a figure per part; without causes that nothing waits for."""
    waits = {
        cause: [float(getattr(part.stalls, cause) or 0) / 1e3 if part.stalls else 0.0 for part in parts]
        for cause in COLOURS
        if cause != "work"
    }
    work = [part.cycles / 1e3 - sum(each[k] for each in waits.values()) for k, part in enumerate(parts)]
    return {"work": work, **{cause: each for cause, each in waits.items() if any(each)}}


def _png(parts: list[str], drawn: dict[str, list[float]], title: str, out: Path) -> None:
    from matplotlib.figure import Figure

    picture = Figure(figsize=(11, 1.4 + 0.32 * len(parts)), layout="constrained")
    axes = picture.subplots()
    begin = [0.0] * len(parts)
    for cause, cycles in drawn.items():
        axes.barh(
            range(len(parts)), cycles, left=begin, color=COLOURS[cause], label=cause.replace("_", " "), height=0.7
        )
        begin = [a + b for a, b in zip(begin, cycles, strict=True)]
    total = sum(begin) or 1
    for k, end in enumerate(begin):
        axes.text(end, k, f" {100 * end / total:.1f} %", va="center", fontsize=7)
    axes.set_yticks(range(len(parts)), parts, fontsize=8)
    axes.set_xlim(0, 1.12 * (max(begin) or 1))
    axes.set(xlabel="thousand cycles (estimated)", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    axes.invert_yaxis()
    axes.legend(fontsize=8, frameon=False)
    picture.savefig(out, dpi=120)


def _html(parts: list[str], drawn: dict[str, list[float]], title: str, out: Path) -> None:
    import plotly.graph_objects as go

    picture = go.Figure()
    for cause, cycles in drawn.items():
        picture.add_trace(
            go.Bar(
                x=cycles,
                y=parts,
                orientation="h",
                name=cause.replace("_", " "),
                marker_color=COLOURS[cause],
                hovertext=[f"{figure(one)} thousand cycles" for one in cycles],
            )
        )
    picture.update_yaxes(autorange="reversed")
    picture.update_layout(
        barmode="stack", title=title, xaxis_title="thousand cycles (estimated)", height=200 + 28 * len(parts)
    )
    picture.write_html(out, include_plotlyjs=True)
