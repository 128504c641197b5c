"""What becomes of a result: the words beside its figures, and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyperf.api.paths import AnyPath
    from tinyperf.learn.evaluate import Evaluation
    from tinyperf.result import RunResult


def remark(result: RunResult) -> str:
    """What must stand beside every figure of `result`: estimated, a subset, not valid; empty where nothing must."""
    from tinyperf.session import report

    return report.remark(result)


def plot_evaluation(result: Evaluation, path: AnyPath) -> None:
    """Confusion matrix, ROC curves and score histogram of an evaluation as a PNG.

    Raises: MissingExtraError: matplotlib is not installed. DiskError: the file cannot be written.
    """
    from tinyperf.learn import plot as _plot

    _plot.evaluation(result, Path(path))


def energy_picture(session: AnyPath, out: AnyPath) -> Path:
    """Power over time of an energy session, its windows shaded, as `out` (.png, or .html with zoom).

    Raises: ContentError: no energy session. UsageError: another suffix. MissingExtraError: the extra `plot`.
    """
    from tinyperf.session import picture

    return picture.draw(Path(session), Path(out))
