"""Every verb as one typed function; notebooks, tests and the command line call these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf import benchmark as _benchmark
from tinyperf import board as _board
from tinyperf import content

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tinyperf.learn.backends import Backend
    from tinyperf.learn.evaluate import Evaluation


def boards() -> list[_board.Board]:
    """All shipped boards, by name."""
    return [_board.read(path) for path in content.names("boards", ".yaml").values()]


def evaluate(
    benchmark: str | None = None,
    *,
    backend: Backend = "aot",
    model: Path | None = None,
    data: Path | None = None,
    samples: int | None = None,
    jobs: int = 1,
    compare: Backend | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Accuracy of a model on the host; arguments and errors as `tinyperf.learn.evaluate.evaluate`."""
    from tinyperf.learn import evaluate as _evaluate

    return _evaluate.evaluate(
        _benchmark.benchmark(benchmark) if benchmark else None,
        backend=backend,
        model=model,
        data=data,
        samples=samples,
        jobs=jobs,
        compare=compare,
        progress=progress or (lambda _done, _all: None),
    )


def plot_evaluation(result: Evaluation, path: Path) -> None:
    """Confusion matrix, ROC curves and score histogram of an evaluation as a PNG.

    Raises: MissingExtraError: matplotlib is not installed. DiskError: the file cannot be written.
    """
    from tinyperf.learn import plot as _plot

    _plot.evaluation(result, path)
