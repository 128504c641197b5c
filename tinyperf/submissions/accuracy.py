"""Accuracy mode: the whole set, once each, and the printed accuracy computed again from the outputs."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.rules import accuracy as scores
from tinyperf.submissions.findings import Finding, finding
from tinyperf.submissions.place import JSON, LOG, RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tinyperf.submissions.place import Place
    from tinyperf.submissions.printed import Figure

OFFICIAL = {
    "top1": re.compile(r".* Top[- ]1%?\s?[:=] [\d.]+"),
    "auc": re.compile(r".* AUC\s?[:=] [\d.]+"),
}
AD_WINDOWS = 196
"""Windows of 5 frames in the 200 frames of a ToyCar file: (102400 - 2560) / 512 + 1."""


@dataclass
class ScoredSample:
    """One file of the set: its label (None: nothing says it), and its outputs in the order they came."""

    label: int | None
    outputs: list[tuple[float, ...]]


def check(place: Place, *, labels: Mapping[str, int]) -> Iterator[Finding]:
    """Everything that is wrong with an accuracy folder. `labels`: of the official set, where the user has it."""
    yield from _printed(place)
    samples = from_json(place, labels) if place.json else from_log(place, labels)
    if samples is None:
        yield finding("json-shape", place.path / JSON, "an entry without file, class or infer.results")
    elif samples:
        yield from _set(place, samples)
        yield from _recomputed(place, samples)
    elif place.log:
        yield finding("sample-count", place.path / LOG, "no sample at all")
    if place.json and place.log:
        yield from _both(place)


def why_not_recomputed(place: Place, labels: Mapping[str, int]) -> str | None:
    """Why the accuracy of this folder was not computed again; None where it was, or where findings say why not."""
    if not place.log or place.json:
        return None
    samples = from_log(place, labels)
    unknown = sum(sample.label is None for sample in samples.values())
    if not unknown:
        return None
    where = f"{place.task.model_id}/y_labels.csv"
    remedy = f"{where} lacks {unknown} of {len(samples)}" if labels else f"--data DIR with {where} does"
    return f"{place.path}: accuracy not computed again: EnergyRunner's log names no labels; {remedy}"


def _figure(place: Place) -> Figure | None:
    if not place.printed:
        return None
    figures = place.printed.top1_percent if place.task.metric == "top1" else place.printed.auc
    return figures[-1] if figures else None


def _target(place: Place) -> float:
    return place.task.target * (100 if place.task.metric == "top1" else 1)


def _printed(place: Place) -> Iterator[Finding]:
    if not place.printed:
        return
    path = place.path / RESULTS
    what = "Top-1" if place.task.metric == "top1" else "AUC"
    if not any(OFFICIAL[place.task.metric].match(line) for line in place.results_text.split("\n")):
        yield finding("no-accuracy", path, f"no line '<stamp> ulp-mlperf: {what}: <x>'")
    figure = _figure(place)
    if figure and place.closed and figure.value < _target(place):
        yield finding(
            "target-missed",
            path,
            f"{what} {figure.value:g}; {place.task.name} wants {_target(place):g}",
            line=figure.line,
        )


def from_json(place: Place, labels: Mapping[str, int]) -> dict[str, ScoredSample] | None:
    """Samples of results.json by file name; None where an entry is of another shape."""
    samples: dict[str, ScoredSample] = {}
    for row in place.rows:
        outputs, label = _row(row)
        if outputs is None or not isinstance(row.get("file"), str):
            return None
        name = PurePosixPath(row["file"]).name
        samples.setdefault(name, ScoredSample(labels.get(name, label), [])).outputs.append(outputs)
    return samples


def _row(row: dict[str, Any]) -> tuple[tuple[float, ...] | None, int | None]:
    infer = row.get("infer")
    values = infer.get("results") if isinstance(infer, dict) else None
    if not isinstance(values, list) or not all(isinstance(v, int | float) for v in values):
        return None, None
    label = row.get("class")
    text = str(label).strip()
    return tuple(float(v) if abs(v) < 1e300 else math.nan for v in values), int(text) if re.fullmatch(
        r"\d{1,4}", text
    ) else None


def from_log(place: Place, labels: Mapping[str, int]) -> dict[str, ScoredSample]:
    """Samples of log.txt by file name."""
    samples: dict[str, ScoredSample] = {}
    for trial in place.log.trials if place.log else []:
        label = labels.get(trial.file, label_in_name(place.task.name, trial.file))
        samples.setdefault(trial.file, ScoredSample(label, [])).outputs.append(trial.outputs)
    return samples


def label_in_name(task: str, file: str) -> int | None:
    """kws and ad files carry their class in their name: tst_000000_Stop_7.bin, anomaly_id_01_...; others do not."""
    if task == "ad":
        return {"normal": 0, "anomaly": 1}.get(file.partition("_")[0])
    match = re.fullmatch(r"tst_\d+_\w+?_(\d{1,2})\.bin", file) if task == "kws" else None
    return int(match[1]) if match else None


def _where(place: Place) -> PurePosixPath:
    return place.path / (JSON if place.json else LOG)


def _set(place: Place, samples: Mapping[str, ScoredSample]) -> Iterator[Finding]:
    wanted = place.round.samples(place.task)
    if len(samples) not in wanted and place.closed:
        yield finding(
            "sample-count", _where(place), f"{len(samples)} samples; the set has {' or '.join(map(str, wanted))}"
        )
    counts = Counter(len(sample.outputs) for sample in samples.values())
    if place.task.name == "ad":
        wrong = sum(count for windows, count in counts.items() if windows != AD_WINDOWS)
        if wrong and place.closed:
            example = next(name for name, sample in samples.items() if len(sample.outputs) != AD_WINDOWS)
            yield finding(
                "windows-per-file",
                _where(place),
                f"{wrong} files without their {AD_WINDOWS} windows; {example} has {len(samples[example].outputs)}",
            )
    elif again := [name for name, sample in samples.items() if len(sample.outputs) > 1]:
        yield finding("sample-repeated", _where(place), f"{len(again)} samples more than once, {again[0]} first")


def _recomputed(place: Place, samples: Mapping[str, ScoredSample]) -> Iterator[Finding]:
    widths = {len(outputs) for sample in samples.values() for outputs in sample.outputs}
    values = [v for sample in samples.values() for outputs in sample.outputs for v in outputs]
    if len(widths) != 1 or not widths - {0} or not all(map(math.isfinite, values)):
        yield finding(
            "outputs-odd", _where(place), f"output vectors of {sorted(widths)} values, or values that are none"
        )
        return
    figure = _figure(place)
    if not figure or any(sample.label is None for sample in samples.values()):
        return
    rows = np.array([np.mean(np.array(sample.outputs), axis=0) for sample in samples.values()])
    classes = np.array([sample.label for sample in samples.values()], np.int64)
    if place.task.metric == "top1" and place.closed and classes.max() >= rows.shape[1]:
        yield finding("outputs-odd", _where(place), f"class {classes.max()} of {rows.shape[1]} outputs")
        return
    exact, as_printed = _scores(place, rows, classes)
    if exact is None or as_printed is None:
        return
    if not figure.agrees(as_printed):
        yield finding(
            "accuracy-differs",
            place.path / RESULTS,
            f"printed {figure.value:g}; the outputs in {_where(place).name} give {as_printed:.6g}",
            line=figure.line,
        )
    elif place.closed and exact < _target(place) <= figure.value:
        yield finding(
            "target-by-rounding",
            place.path / RESULTS,
            f"printed {figure.value:g}, exactly {exact:.5g}; {place.task.name} wants {_target(place):g}",
            line=figure.line,
        )


def _scores(place: Place, rows: Any, classes: Any) -> tuple[float | None, float | None]:
    """The accuracy by the rules, and as the runner of this folder computes it."""
    if place.task.metric == "top1":
        exact = scores.top1(rows, classes) * 100
        return exact, exact
    area = scores.auc(rows, classes)
    return area, scores.eembc_auc(rows, classes) if place.runner == "energyrunner" else area


def _both(place: Place) -> Iterator[Finding]:
    """Outputs of log.txt against those of results.json, in the order they came."""
    trials = place.log.trials if place.log else []
    rows = place.rows
    if len(trials) != len(rows):
        yield finding(
            "files-differ", place.path / LOG, f"{len(trials)} inferences; results.json has {len(rows)} entries"
        )
        return
    for trial, row in zip(trials, rows, strict=True):
        outputs, _ = _row(row)
        if outputs is not None and (trial.file != row.get("file") or not _same(trial.outputs, outputs)):
            yield finding(
                "files-differ",
                place.path / LOG,
                f"{trial.file}: other outputs than the entry of {row.get('file')} in results.json",
                line=trial.line,
            )
            return  # the rest are likely the same session mixed up


def _same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and all(math.isclose(a, b, abs_tol=0.00051) for a, b in zip(one, other, strict=True))
