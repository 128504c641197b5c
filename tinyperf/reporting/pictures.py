"""Pictures of a report as SVG, by matplotlib (extra 'plot'): text stays text, nothing depends on the day."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from tinyperf.figures import figure

if TYPE_CHECKING:
    from tinyperf.reporting.story import Scores, Story, Trace

INK, PALE, MARK = "#1b6ca8", "#b9d3e6", "#e08a1e"
MOST_CLASSES = 24
"""Classes whose counts are written into the squares."""
TRACE_POINTS = 3000
"""Of the still picture; the one with zoom has them all."""


def of(story: Story) -> dict[str, str]:
    """SVG of every picture that the session has something for.

    Raises: ImportError: matplotlib is absent.
    """
    found = {}
    if _bars(story):
        found["windows"] = _windows(story)
    if story.layers:
        found["layers"] = _layers(story)
    if story.memory:
        found["memory"] = _memory(story)
    if story.scores and story.scores.confusion:
        found["confusion"] = _confusion(story.scores, story.row.session)
    if story.scores and story.scores.roc:
        found["roc"] = _roc(story.scores, story.row.session)
    if story.trace:
        found["trace"] = _trace(story.trace, story.row.session)
    return found


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _svg(drawn: Any, name: str) -> str:
    """The <svg> element, its ids its own, scaled by the page."""
    import matplotlib as mpl

    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        drawn.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text[text.index("<svg") :], count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)


def _bars(story: Story) -> tuple[str, list[float], int] | None:
    """What is drawn of each window: unit, values, and the decimals they are told with."""
    result = story.result
    if result and result.performance:
        return "ms per inference", [1e3 * w.seconds / w.inferences for w in result.performance.windows], 3
    if result and result.energy:
        return "µJ per inference", [w.uj_per_inference for w in result.energy.windows], 1
    return None


def _windows(story: Story) -> str:
    unit, values, decimals = _bars(story) or ("", [], 3)
    drawn = _figure(5, 0.9 + 0.24 * len(values))
    axes = drawn.subplots()
    axes.barh([str(k) for k in range(1, len(values) + 1)], values, color=INK, height=0.6)
    for k, value in enumerate(values):
        axes.text(value, k, f" {figure(value, decimals)}", va="center", fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel=unit, ylabel="window")
    axes.set_xlim(0, max(values, default=1) * 1.15)
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(drawn, f"windows {story.row.session}")


def _layers(story: Story) -> str:
    layers = story.layers
    total = sum(layer.cycles for layer in layers) or 1
    millions = [layer.cycles / 1e6 for layer in layers]
    drawn = _figure(5, 0.8 + 0.24 * len(layers))
    axes = drawn.subplots()
    axes.barh(range(len(layers)), millions, color=INK, height=0.7)
    for k, layer in enumerate(layers):
        axes.text(millions[k], k, f" {100 * layer.cycles / total:.1f} %", va="center", fontsize=7)
    axes.set_yticks(range(len(layers)), [f"{layer.index} {layer.op}" for layer in layers], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(0, max(millions) * 1.15 or 1)
    axes.set_xlabel("million cycles (estimated)")
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(drawn, f"layers {story.row.session}")


def _memory(story: Story) -> str:
    drawn = _figure(5, 0.5 + 0.65 * len(story.memory))
    rows = drawn.subplots(len(story.memory), 1, squeeze=False)[:, 0]
    for axes, region in zip(rows, story.memory, strict=True):
        used = sum(size for _, size in region.parts)
        whole = region.size or used
        begin = 0
        for colour, (name, size) in zip((INK, "#7fb0d3"), region.parts, strict=False):
            axes.barh([0], [size], left=[begin], color=colour, label=f"{name} {size:,} B")
            begin += size
        if whole > used:
            free = f"free {whole - used:,} B"
            axes.barh([0], [whole - used], left=[used], color="#eeeeee", label=free)
        axes.set_yticks([0], [region.name])
        axes.set_xlim(0, whole)
        axes.set_xticks([])
        axes.spines[:].set_visible(False)
        axes.legend(loc="upper left", bbox_to_anchor=(0, 0), ncols=3, fontsize=7, frameon=False)
    return _svg(drawn, f"memory {story.row.session}")


def _confusion(scores: Scores, session: str) -> str:
    counts = scores.confusion or ()
    side = min(2.2 + 0.34 * len(counts), 9)
    drawn = _figure(side, side)
    axes = drawn.subplots()
    axes.imshow(counts, cmap="Blues")
    names = [*scores.labels, *(str(k) for k in range(len(scores.labels), len(counts)))]
    axes.set(xlabel="decision", ylabel="label")
    axes.set_xticks(range(len(counts)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(counts)), names, fontsize=8)
    top = max(map(max, counts), default=0)
    for y, row in enumerate(counts if len(counts) <= MOST_CLASSES else ()):
        for x, count in enumerate(row):
            colour = "white" if count > top / 2 else "black"
            axes.text(x, y, str(count), ha="center", va="center", color=colour, fontsize=7)
    return _svg(drawn, f"confusion {session}")


def _roc(scores: Scores, session: str) -> str:
    drawn = _figure(4.5, 4)
    axes = drawn.subplots()
    for name, fpr, tpr, area in scores.roc:
        axes.plot(fpr, tpr, color=INK, label=f"{name}: AUC {area:.4f}")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.legend(loc="lower right", fontsize=8)
    return _svg(drawn, f"roc {session}")


def _trace(trace: Trace, session: str) -> str:
    step = max(len(trace.times_s) // TRACE_POINTS, 1) | 1  # odd: both the least and the greatest are met
    drawn = _figure(6.5, 2.6)
    axes = drawn.subplots()
    axes.plot(trace.times_s[::step], trace.power_mw[::step], linewidth=0.5, color=INK)
    for begin, end, uj in trace.windows:
        axes.axvspan(begin, end, alpha=0.15, color=MARK)
        label = f"{figure(uj, 1)}\nµJ/inf."
        axes.text((begin + end) / 2, 0.04, label, ha="center", fontsize=7, transform=axes.get_xaxis_transform())
    axes.set(xlabel="seconds", ylabel="mW")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(drawn, f"trace {session}")


def zoomable(trace: Trace) -> str:
    """The trace for plotly's own script, as JSON.

    Raises: ImportError: plotly is absent.
    """
    import numpy as np

    from tinyperf.session import picture

    windows = [(begin, end, figure(uj, 1)) for begin, end, uj in trace.windows]
    drawn = picture.zoomable(trace.times_s.astype(np.float32), trace.power_mw.astype(np.float32), windows, "")
    drawn.update_layout(margin={"l": 50, "r": 10, "t": 20, "b": 40}, height=360, template="plotly_white")
    text: str = drawn.to_json()
    return text
