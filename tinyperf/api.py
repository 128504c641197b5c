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
    from tinyperf.learn.cards import Card
    from tinyperf.learn.evaluate import Evaluation
    from tinyperf.learn.quantize import Quantized
    from tinyperf.learn.train import Epoch, Trained
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


def train(
    benchmark: str,
    place: Path,
    out: Path,
    *,
    epochs: int | None = None,
    seed: int = 0,
    progress: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Train a benchmark's network from a folder of training files (or the first of them) into the run folder `out`.

    Raises: UsageError: unknown benchmark, or `out` holds a run. DataError: no data. MissingExtraError: no TensorFlow.
    """
    from tinyperf.learn import train as _train

    return _train.train(benchmark, place, out, epochs=epochs, seed=seed, progress=progress)


def train_resume(run: Path, *, progress: Callable[[Epoch], None] | None = None) -> Trained:
    """Finish an interrupted training with the schedule, seed and data it began with.

    Raises: UsageError: no run folder. DataError: its data are gone or changed. MissingExtraError: no TensorFlow.
    """
    from tinyperf.learn import train as _train

    return _train.resume(run, progress=progress)


def quantize(run: Path, out: Path, *, fc_per_channel: bool = False) -> Quantized:
    """The model of a run folder as full int8 .tflite, with float against int8 and an error table of the layers.

    Raises: UsageError: no model in `run`. DataError: its data are gone. MissingExtraError: no TensorFlow.
    """
    from tinyperf.learn import quantize as _quantize

    return _quantize.quantize_run(run, out, fc_per_channel=fc_per_channel)


def quantize_model(
    model: Path, calibration: Path, out: Path, *, benchmark: str | None = None, fc_per_channel: bool = False
) -> Quantized:
    """Any Keras file or SavedModel as full int8 .tflite, calibrated with the array `x` of an .npz file.

    Raises: ModelError: it cannot be read or has no int8 form. DataError: the arrays do not fit. MissingExtraError.
    """
    from tinyperf.learn import quantize as _quantize

    return _quantize.quantize_file(model, calibration, out, benchmark=benchmark, fc_per_channel=fc_per_channel)


def models() -> list[Card]:
    """The shipped models with their licence lines."""
    from tinyperf.learn import cards

    return cards.shipped()


def models_pull(out: Path | None = None, *, progress: Callable[[str, int, int], None] | None = None) -> list[Path]:
    """Fetch MLCommons's reference weights, pinned by SHA-256; where they lie afterwards.

    Raises: DeviceError: no network, or other bytes arrived. DiskError: cannot write.
    """
    from tinyperf.learn import reference

    return reference.pull(out, progress=progress)
