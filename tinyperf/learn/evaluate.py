"""Accuracy on the host: every input through one runtime, scored by the run rules.

The outputs are first reduced to the three decimals that the firmware prints, so that host and device give the same
figure.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.datasets import layout, own
from tinyperf.datasets.own import Asked
from tinyperf.engines import ends
from tinyperf.errors import DataError, UsageError
from tinyperf.learn import backends
from tinyperf.rules import accuracy
from tinyperf.wire import check_model, printed, quantization, to_tensors

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tinyperf.benchmark import Benchmark
    from tinyperf.datasets.layout import Dataset
    from tinyperf.learn.backends import Arrays, Backend
    from tinyperf.result import Inputs, Metric
    from tinyperf.tflite import Model

HISTOGRAM_BINS = 30
TOP1 = Asked()


@dataclass(frozen=True)
class Curve:
    """ROC points of one class against the rest, from (0, 0) to (1, 1); the first threshold is above every score."""

    label: str
    auc: float
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    thresholds: tuple[float | None, ...]


@dataclass(frozen=True)
class Histogram:
    """Counts of scores between `edges`. ad: reconstruction errors by label; else the winning score, right and wrong."""

    edges: tuple[float, ...]
    counts: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class CodeDifference:
    """One sample on which two backends disagree; `codes`: the largest difference in one output code (of a
    float output: in units in the last place).

    `here`, `there`: the class decided, or the file's reconstruction error for ad.
    """

    index: int
    name: str
    label: str
    here: str | float
    there: str | float
    codes: int


@dataclass(frozen=True)
class Comparison:
    """Another backend on the same inputs. `value`: its score; `decisions`: samples that are decided differently."""

    backend: str
    value: float | None
    inferences: int
    inferences_that_differ: int
    decisions: int
    samples: tuple[CodeDifference, ...]


@dataclass(frozen=True)
class Evaluation:
    """Accuracy of one model. `value` and rates are fractions; None where the inputs cannot give the figure.

    `target_met` is None unless the inputs are the official ones. `confusion`: counts [label, decision], None for ad.
    """

    benchmark: str
    backend: str
    model: str
    model_sha256: str
    metric: Metric
    value: float | None
    target: float | None
    target_met: bool | None
    inputs: Inputs
    samples: int
    inferences: int
    correct: int | None
    seconds: float
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...] | None
    recall: dict[str, float | None] | None
    roc: tuple[Curve, ...]
    histogram: Histogram
    comparison: Comparison | None = None
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)

    @property
    def exit_code(self) -> int:
        """1: measured on the official inputs and below the target."""
        return 1 if self.target_met is False else 0


def evaluate(
    benchmark: Benchmark | None,
    model: Model,
    *,
    backend: Backend,
    data: Path | None = None,
    samples: int | None = None,
    jobs: int = 1,
    compare: Backend | None = None,
    asked: Asked = TOP1,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Evaluation:
    """Score a model on the host.

    Args:
        benchmark: or None for a custom model, which then needs `data`.
        model: of the benchmark's sizes, or any.
        data: folder in EnergyRunner's layout, of a custom model whatever `datasets.own` takes; None:
            $TINYPERF_DATA/datasets.
        samples: only the first ones; the result is then not official.
        compare: a second backend, whose differing outputs are listed.
        asked: of a custom model: metric, names of the classes, front end of sounds.
        progress: called with inferences done and their total.
    Raises: UsageError, DataError, ModelError, MissingExtraError.
    """
    start = time.perf_counter()
    if benchmark is not None and benchmark.streams:
        raise UsageError(
            f"{benchmark.name} on the host",
            means="a stream is scored by when its words are heard, and 'evaluate' scores inputs one by one",
            hint=f"'tinyperf run --virtual {benchmark.name} --data DIR' plays the stream; docs/wakeword.md",
        )
    if "aot" in {backend, compare} and ends.reasons(model):
        with backends.opened("aot", model):  # says its own reasons too
            pass
    check_model(model, benchmark)
    dataset = _dataset(benchmark, model, data, asked, samples)
    if compare:
        with backends.opened(compare, model):  # a missing one is told now, not after the first has run
            pass
    wires = [sample.windows() for sample in dataset.samples]
    inputs = to_tensors(benchmark, b"".join(part for wire in wires for part in wire), model)
    count = len(inputs[0])
    advance = _counting(progress, count * (2 if compare else 1))
    streams = [len(wire) for wire in wires]
    outputs = backends.infer(backend, model, inputs, streams=streams, jobs=jobs, progress=advance)
    scores = _scores(benchmark, model, outputs, wires, dataset)
    comparison = None
    if compare:
        others = backends.infer(compare, model, inputs, streams=streams, jobs=jobs, progress=advance)
        theirs = others, _scores(benchmark, model, others, wires, dataset)
        comparison = _comparison(compare, dataset, (outputs, scores), theirs, streams=streams)
    seconds = round(time.perf_counter() - start, 3)
    ran = HostRun(backend, count, seconds, comparison)
    return _judged(benchmark, model, dataset, scores, ran)


def _counting(progress: Callable[[int, int], None], total: int) -> Callable[[int], None]:
    """From how many were done just now to `progress`, which is told how many of `total` are done."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    return advance


@dataclass(frozen=True)
class HostRun:
    """What ran, and how long."""

    backend: Backend
    inferences: int
    seconds: float
    comparison: Comparison | None


def _judged(
    benchmark: Benchmark | None, model: Model, dataset: Dataset, scores: npt.NDArray[np.float64], ran: HostRun
) -> Evaluation:
    """The figures of the outputs, by the run rules."""
    labels = np.array([sample.label for sample in dataset.samples])
    value = _value(dataset.metric, scores, labels)
    target = benchmark.target if benchmark else None
    chosen = accuracy.decisions(scores) if dataset.metric == "top1" else None
    counts = accuracy.confusion(chosen, labels, dataset.classes) if chosen is not None else None
    return Evaluation(
        benchmark=benchmark.name if benchmark else "custom",
        backend=ran.backend,
        model=model.name,
        model_sha256=model.sha256,
        metric=dataset.metric,
        value=value,
        target=target,
        target_met=value >= target if dataset.kind == "official" and value is not None and target is not None else None,
        inputs=dataset.kind,
        samples=len(dataset.samples),
        inferences=ran.inferences,
        correct=int(np.trace(counts)) if counts is not None else None,
        seconds=ran.seconds,
        labels=dataset.labels,
        confusion=tuple(tuple(map(int, row)) for row in counts) if counts is not None else None,
        recall=_recall(counts, dataset.labels) if counts is not None else None,
        roc=() if dataset.metric in own.ERRORS else _curves(scores, labels, dataset.labels),
        histogram=_histogram(scores, labels, dataset.labels),
        comparison=ran.comparison,
        notes=_notes(dataset, value),
    )


def _dataset(
    benchmark: Benchmark | None, model: Model, data: Path | None, asked: Asked, samples: int | None
) -> Dataset:
    if data is None and "TINYPERF_DATA" in os.environ:
        data = Path(os.environ["TINYPERF_DATA"]) / "datasets"
    if data is None:
        raise DataError(
            "no inputs: --data was not given",
            means="accuracy needs labelled inputs; they are not shipped with tinyperf",
            hint=own.HINT if benchmark is None else "--data DIR in EnergyRunner's layout; 'tinyperf data' makes it",
        )
    if benchmark is None:
        return own.load(data, model, replace(asked, streams=model.stateful), count=samples)
    if asked != TOP1:
        raise UsageError(
            f"{benchmark.name} with a metric, class names or a front end of your own",
            means="a benchmark's metric, classes and inputs are those of the run rules",
            hint="leave the benchmark's name out to score the model as one of your own",
        )
    return layout.load(data, benchmark).first(samples)


def _scores(
    benchmark: Benchmark | None, model: Model, outputs: Arrays, wires: list[list[bytes]], dataset: Dataset
) -> npt.NDArray[np.float64]:
    """[samples, classes] as printed by the firmware, after a stream's last frame; [samples] where errors are scored;
    ad: the mean of a file's windows.
    """
    if benchmark is None or benchmark.metric == "top1":
        last = np.cumsum([len(wire) for wire in wires]) - 1
        values = printed(model, [rows[last] for rows in outputs])
        if dataset.targets is None:
            return accuracy.two_classes(values)
        return accuracy.errors("mae" if dataset.metric == "mae" else "mse", values, dataset.targets)
    scale, zero_point = quantization(model.output)
    means, at = [], 0
    for wire in wires:
        windows = np.frombuffer(b"".join(wire), "<f4").reshape(len(wire), -1)
        errors = accuracy.ad_error(outputs[0][at : at + len(wire)], windows, scale, zero_point)
        means.append(float(np.mean(errors)))
        at += len(wire)
    return np.array(means)


def _value(metric: Metric, scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> float | None:
    if metric in own.ERRORS:
        return float(np.mean(scores))
    return accuracy.top1(scores, labels) if metric == "top1" else accuracy.auc(scores, labels)


def _comparison(
    backend: str,
    dataset: Dataset,
    here: tuple[Arrays, npt.NDArray[np.float64]],
    there: tuple[Arrays, npt.NDArray[np.float64]],
    *,
    streams: list[int],
) -> Comparison:
    labels = np.array([sample.label for sample in dataset.samples])
    apart = np.max([_apart(*both) for both in zip(here[0], there[0], strict=True)], axis=0)
    by_sample = np.maximum.reduceat(apart, np.cumsum([0, *streams[:-1]]))
    shown: list[list[str | float]] = []
    for scores in (here[1], there[1]):
        if scores.ndim == 1:
            shown.append([float(score) for score in scores])
        else:
            shown.append([dataset.labels[index] for index in accuracy.decisions(scores)])
    decided = sum(a != b for a, b in zip(*shown, strict=True)) if here[1].ndim == 2 else 0
    differing = tuple(
        CodeDifference(
            int(i), dataset.samples[i].name, dataset.labels[labels[i]], shown[0][i], shown[1][i], int(by_sample[i])
        )
        for i in np.flatnonzero(by_sample)
    )
    return Comparison(
        backend, _value(dataset.metric, there[1], labels), len(apart), int(np.count_nonzero(apart)), decided, differing
    )


def _apart(here: npt.NDArray[Any], there: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """[n]: the largest difference of one output in each row: in codes, or in units in the last place of float32."""
    if here.dtype.kind == "f":
        here, there = (_ordered(rows) for rows in (here, there))
    differences: npt.NDArray[np.int64] = np.abs(here.astype(np.int64) - there.astype(np.int64)).max(axis=1)
    return differences


def _ordered(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Neighbouring numbers of float32 as neighbouring integers."""
    bits = np.ascontiguousarray(rows, np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(2**31) - bits, bits)


def _recall(counts: npt.NDArray[np.int64], labels: tuple[str, ...]) -> dict[str, float | None]:
    return {
        label: float(row[index] / row.sum()) if row.sum() else None
        for index, (label, row) in enumerate(zip(labels, counts, strict=True))
    }


def _curves(
    scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], names: tuple[str, ...]
) -> tuple[Curve, ...]:
    """One curve for each class that can have one; one alone for two classes."""
    rows = scores if scores.ndim == 1 else accuracy.normalized(scores)
    wanted = [(1, rows if rows.ndim == 1 else rows[:, 1])] if len(names) == 2 else list(enumerate(rows.T))
    curves = []
    for index, column in wanted:
        positive = labels == index
        if not positive.any() or positive.all():
            continue
        fpr, tpr, thresholds = accuracy.roc(column, positive)
        area = accuracy.area(fpr, tpr)
        points = (None, *map(float, thresholds[1:]))
        curves.append(Curve(names[index], area, tuple(map(float, fpr)), tuple(map(float, tpr)), points))
    return tuple(curves)


def _histogram(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], names: tuple[str, ...]) -> Histogram:
    if scores.ndim == 1:
        groups = {name: scores[labels == index] for index, name in enumerate(names)}
        edges = np.histogram_bin_edges(scores, HISTOGRAM_BINS)
    else:
        rows = accuracy.normalized(scores)
        right = accuracy.decisions(scores) == labels
        groups = {"right": rows.max(axis=1)[right], "wrong": rows.max(axis=1)[~right]}
        edges = np.histogram_bin_edges(np.append(rows.max(axis=1), (0.0, 1.0)), HISTOGRAM_BINS)
    counts = {name: tuple(map(int, np.histogram(group, edges)[0])) for name, group in groups.items()}
    return Histogram(tuple(map(float, edges)), counts)


def _notes(dataset: Dataset, value: float | None) -> tuple[str, ...]:
    notes = []
    if dataset.kind != "official":
        notes.append(f"inputs are {dataset.kind}: not an accuracy by the run rules")
    notes += dataset.notes
    if value is None:
        notes.append("all samples have one label: an AUC needs both")
    return tuple(notes)
