"""Every verb as one typed function; notebooks, tests and the command line call these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf import board as _board
from tinyperf import content
from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tinyperf.benchmark import Benchmark
    from tinyperf.firmware.build import Image
    from tinyperf.firmware.render import Project
    from tinyperf.learn.backends import Backend
    from tinyperf.learn.evaluate import Evaluation
    from tinyperf.rules.replay import Replay
    from tinyperf.tflite import Model


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
    """Accuracy of a model on the host: arguments as `tinyperf.learn.evaluate.evaluate`.

    Raises: UsageError, ModelError: as `model_for`. DataError, MissingExtraError, BuildError: no inputs, no runtime.
    """
    from tinyperf.learn import evaluate as _evaluate

    chosen, loaded = model_for(benchmark, model)
    return _evaluate.evaluate(
        chosen,
        loaded,
        backend=backend,
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


def energy_replay(folder: Path) -> Replay:
    """A recorded energy session (EnergyRunner, MLCommons runner or our own) computed again and judged.

    Raises: ContentError: no energy session in `folder`, or one damaged beyond judging.
    """
    from tinyperf.rules import replay

    return replay.replay(folder)


def model_for(benchmark: str | None, model: Path | None) -> tuple[Benchmark | None, Model]:
    """What to run: a benchmark's shipped model, a benchmark with a model of the user's, or (benchmark None) any model.

    Raises: UsageError: unknown benchmark, neither given, or nothing shipped for it. ModelError: as `tflite.load`.
    """
    from tinyperf import benchmark as _benchmark
    from tinyperf import tflite

    chosen = _benchmark.benchmark(benchmark) if benchmark is not None else None
    if model is not None:
        return chosen, tflite.load(model)
    if chosen is None:
        raise UsageError(
            "neither a benchmark nor a model is given",
            hint=f"name one of {', '.join(_benchmark.BENCHMARKS)}, or --model FILE.tflite for a model of your own",
        )
    shipped = content.names("models", ".tflite")
    if chosen.name not in shipped:
        raise UsageError(
            f"no trained model is shipped for '{chosen.name}' in this version",
            hint=f"give one: --model FILE.tflite; 'tinyperf train {chosen.name}' makes one",
        )
    return chosen, tflite.load(shipped[chosen.name])


def generate(
    board: str,
    benchmark: str | None = None,
    *,
    out: Path,
    model: Path | None = None,
    engine: str = "aot",
    engine_options: Mapping[str, str] | None = None,
    energy: bool = False,
) -> Project:
    """The complete firmware project, written to the folder `out`; `pio run` there builds it.

    Raises: UsageError, ContentError, ModelError: the arguments make no sense. DiskError: cannot write.
    """
    from tinyperf.firmware import build as _build

    chosen, loaded = model_for(benchmark, model)
    return _build.generate(
        _board.load(board),
        loaded,
        benchmark=chosen,
        engine=engine,
        engine_options=engine_options,
        energy=energy,
        folder=out,
    )


def build(
    board: str,
    benchmark: str | None = None,
    *,
    out: Path | None = None,
    model: Path | None = None,
    engine: str = "aot",
    engine_options: Mapping[str, str] | None = None,
    energy: bool = False,
) -> Image:
    """The firmware image, built or taken from the cache; `out`: also copied there.

    Raises: BuildError: no compiler, does not compile, does not fit. Otherwise as `generate`.
    """
    from tinyperf.firmware import build as _build

    chosen, loaded = model_for(benchmark, model)
    return _build.build(
        _board.load(board),
        loaded,
        benchmark=chosen,
        engine=engine,
        engine_options=engine_options,
        energy=energy,
        folder=out,
    )
