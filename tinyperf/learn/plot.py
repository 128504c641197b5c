"""Pictures of results; matplotlib is an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinyperf.errors import DiskError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.learn.evaluate import Evaluation


def evaluation(result: Evaluation, path: Path) -> None:
    """Confusion matrix (not for ad), ROC curves and score histogram of one evaluation, side by side, as a PNG.

    Raises: MissingExtraError: matplotlib is not installed. DiskError: the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as exc:
        raise MissingExtraError(
            "--plot needs the Python package matplotlib", hint="pip install 'tinyperf[plot]'"
        ) from exc
    panels = 3 if result.confusion else 2
    figure = Figure(figsize=(5.5 * panels, 5), layout="constrained")
    axes = list(figure.subplots(1, panels))
    if result.confusion:
        _confusion(axes.pop(0), result)
    _roc(axes[0], result)
    _histogram(axes[1], result)
    shown = "no score" if result.value is None else f"{result.metric} {result.value:.4f}"
    figure.suptitle(
        f"{result.benchmark}, {result.model}, {result.backend}: {shown}, {result.samples} {result.inputs} samples"
    )
    try:
        figure.savefig(path, format="png", dpi=110)
    except OSError as exc:
        raise DiskError(f"{path} cannot be written: {exc.strerror}", hint="give another file to --plot") from exc


def _confusion(axes: Any, result: Evaluation) -> None:
    counts = result.confusion or ()
    axes.imshow(counts, cmap="Blues")
    axes.set(title="confusion", xlabel="decision", ylabel="label")
    ticks = range(len(result.labels))
    axes.set_xticks(ticks, result.labels, rotation=90)
    axes.set_yticks(ticks, result.labels)
    if len(counts) <= 20:
        top = max(map(max, counts))
        for y, row in enumerate(counts):
            for x, count in enumerate(row):
                axes.text(x, y, count, ha="center", va="center", color="white" if count > top / 2 else "black", size=8)


def _roc(axes: Any, result: Evaluation) -> None:
    for curve in result.roc:
        axes.plot(curve.fpr, curve.tpr, label=f"{curve.label} {curve.auc:.3f}", linewidth=1)
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
    axes.set(title="ROC", xlabel="false positive rate", ylabel="true positive rate")
    if 0 < len(result.roc) <= 20:
        axes.legend(loc="lower right", fontsize=8)


def _histogram(axes: Any, result: Evaluation) -> None:
    edges = result.histogram.edges
    for name, counts in result.histogram.counts.items():
        axes.stairs(counts, edges, label=name, fill=True, alpha=0.5)
    what = "reconstruction error" if result.metric == "auc" else "winning score"
    axes.set(title="scores", xlabel=what, ylabel="samples")
    axes.legend(fontsize=8)
