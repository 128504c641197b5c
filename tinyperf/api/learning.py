"""Data, training, quantization, and a model's accuracy on this computer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf.api.paths import AnyPath, maybe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.datasets.sources import PreparedData
    from tinyperf.learn.backends import Backend
    from tinyperf.learn.evaluate import Evaluation
    from tinyperf.learn.quantize import Activations, Quantized
    from tinyperf.learn.shipped_models import Card
    from tinyperf.learn.train import Epoch, Trained
    from tinyperf.result import Metric


def data(
    benchmark: str,
    source: AnyPath,
    out: AnyPath,
    *,
    pull: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> PreparedData:
    """An original dataset to training arrays and inputs: arguments as `tinyperf.datasets.sources.prepare`."""
    from tinyperf.datasets import sources

    return sources.prepare(benchmark, Path(source), Path(out), pull=pull, progress=progress or (lambda *_: None))


def data_synthetic(benchmark: str, out: AnyPath) -> PreparedData:
    """A small made-up set that a model can learn, laid out like a real one.

    Raises: UsageError: no such benchmark. DiskError: cannot write.
    """
    from tinyperf.datasets import sources

    return sources.make_synthetic(benchmark, Path(out))


def train(
    benchmark: str,
    place: AnyPath,
    out: AnyPath,
    *,
    epochs: int | None = None,
    seed: int = 0,
    notice: Callable[[str], None] = lambda _: None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Train a benchmark's network from a folder of training files (or the first of them) into the run folder `out`.

    `notice` is told before the first epoch what a user should know then, `progress` after every epoch how it went.
    Raises: UsageError: unknown benchmark, or `out` holds a run. DataError: no data. MissingExtraError: no TensorFlow.
    """
    from tinyperf.learn import train as _train

    return _train.train(benchmark, Path(place), Path(out), epochs=epochs, seed=seed, notice=notice, progress=progress)


def train_resume(
    run: AnyPath,
    *,
    benchmark: str | None = None,
    notice: Callable[[str], None] = lambda _: None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Finish an interrupted training with the schedule, seed and data it began with.

    Raises: UsageError: no run folder. DataError: its data are gone or changed. MissingExtraError: no TensorFlow.
    """
    from tinyperf.learn import train as _train

    return _train.resume(Path(run), benchmark=benchmark, notice=notice, progress=progress)


def quantize(
    run: AnyPath,
    out: AnyPath,
    *,
    benchmark: str | None = None,
    percentile: float | None = None,
    fc_per_channel: bool = False,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Quantized:
    """The model of a run folder as full int8 .tflite, with float against int8 and an error table of the layers.

    `percentile`: where an activation's range ends; None is the benchmark's own. `benchmark`: what the run must be of.
    Raises: UsageError: no model in `run`, or another benchmark's. DataError: its data are gone. MissingExtraError: no
        TensorFlow. DiskError: `out` cannot be written.
    """
    from tinyperf.learn import quantize as _quantize

    return _quantize.quantize_run(
        Path(run),
        Path(out),
        benchmark=benchmark,
        percentile=percentile,
        fc_per_channel=fc_per_channel,
        progress=progress,
    )


def quantize_model(
    model: AnyPath,
    calibration: AnyPath,
    out: AnyPath,
    *,
    benchmark: str | None = None,
    percentile: float | None = None,
    fc_per_channel: bool = False,
    activations: Activations = "int8",
    keep_layout: bool = False,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Quantized:
    """A Keras, SavedModel, ONNX, PyTorch (.pt2) or float .tflite model as full int8 .tflite.

    Arguments as `tinyperf.learn.quantize.quantize_file`; calibrated with the array `x` of an .npz file.
    Raises: ModelError: it cannot be read or has no int8 form. DataError: the arrays do not fit. MissingExtraError.
    """
    from tinyperf.learn import quantize as _quantize

    return _quantize.quantize_file(
        Path(model),
        Path(calibration),
        Path(out),
        benchmark=benchmark,
        percentile=percentile,
        fc_per_channel=fc_per_channel,
        activations=activations,
        keep_layout=keep_layout,
        progress=progress,
    )


def models() -> list[Card]:
    """The shipped models with their licence lines."""
    from tinyperf.learn import shipped_models

    return shipped_models.shipped()


def models_pull(
    out: AnyPath | None = None, *, progress: Callable[[str, int, int], None] = lambda *_: None
) -> list[Path]:
    """Fetch MLCommons's reference weights, pinned by SHA-256; where they lie afterwards.

    Raises: DeviceError: no network, or other bytes arrived. DiskError: cannot write.
    """
    from tinyperf.learn import reference

    return reference.pull(maybe(out), progress=progress)


def evaluate(
    benchmark: str | None = None,
    *,
    backend: Backend = "aot",
    model: AnyPath | None = None,
    data: AnyPath | None = None,
    samples: int | None = None,
    jobs: int = 1,
    compare: Backend | None = None,
    metric: Metric | None = None,
    labels: AnyPath | None = None,
    front_end: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Accuracy of a model on the host: arguments as `tinyperf.learn.evaluate.evaluate`.

    Args:
        metric: top1, auc, mse or mae of your own model.
        labels: a file of its classes' names.
        front_end: what its inputs are made of sounds with.
    Raises: UsageError, ModelError: no such benchmark or model. DataError, MissingExtraError, BuildError: no inputs, no
        runtime.
    """
    from tinyperf.datasets import own
    from tinyperf.learn import evaluate as _evaluate
    from tinyperf.session import models

    chosen, loaded = models.named(benchmark, maybe(model))
    return _evaluate.evaluate(
        chosen,
        loaded,
        backend=backend,
        data=maybe(data),
        samples=samples,
        jobs=jobs,
        compare=compare,
        asked=own.Asked(metric, maybe(labels), front_end),
        progress=progress or (lambda _done, _all: None),
    )
