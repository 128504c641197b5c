"""`tinyperf evaluate`: accuracy of a model on the host, by the run rules."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinyperf import api
from tinyperf.benchmark import BENCHMARKS
from tinyperf.cli import _names, _options
from tinyperf.figures import figure, score, target

if TYPE_CHECKING:
    from tinyperf.learn.backends import Backend
    from tinyperf.learn.evaluate import Comparison, Evaluation
    from tinyperf.result import Metric

BACKEND = click.Choice(["tflm", "litert", "aot", "tflite-runtime"])
SHOWN_DIFFERENCES = 20


@click.command()
@click.argument("benchmark", metavar="[BENCH]", required=False, type=_names.BENCH)
@click.option("--model", type=click.Path(path_type=Path), help="A .tflite; without it the shipped model.")
@click.option("--data", type=click.Path(path_type=Path), help="Inputs in EnergyRunner's layout; your own model: below.")
@_options.own_data
@click.option("--backend", type=BACKEND, default="aot", show_default=True, help="The runtime on this machine.")
@click.option("--compare", type=BACKEND, help="A second runtime; lists the samples on which it differs.")
@click.option("--samples", type=click.IntRange(min=1), help="Only the first N samples (not an official accuracy).")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count(), show_default="cores", help="Processes.")
@click.option("--plot", type=_options.WRITTEN, help="Confusion matrix, ROC, scores as PNG.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(
    *,
    benchmark: str | None,
    model: Path | None,
    data: Path | None,
    metric: Metric | None,
    labels: Path | None,
    front_end: str | None,
    backend: Backend,
    compare: Backend | None,
    samples: int | None,
    jobs: int,
    plot: Path | None,
    as_json: bool,
) -> int:
    """Score a model on the host: top-1, AUC, MSE or MAE.

    BENCH is kws, vww, ic, ic2 or ad; without it --model is your own model and --data your own samples: an .npz with
    x (real values, or the input's own type) and y, a folder with a folder of pictures or sounds for each class, or
    raw input tensors with a y_labels.csv (file,classes,label). Without --data, $TINYPERF_DATA/datasets is used.
    Backends tflm and aot agree with the firmware bit for bit; litert and tflite-runtime do not always.

    \b
    tinyperf evaluate kws --data datasets --backend litert
    tinyperf evaluate ad --data datasets --model ad01_int8.tflite --backend tflm --plot ad.png
    tinyperf evaluate ic --data datasets --backend aot --compare litert --json
    tinyperf evaluate --model own.tflite --data test.npz
    tinyperf evaluate --model own.tflite --data pictures --labels names.txt
    tinyperf evaluate --model autoencoder.tflite --data test.npz --metric mse

    Exit code 1: below the target on the official inputs.
    """
    result = api.evaluate(
        benchmark,
        backend=backend,
        model=model,
        data=data,
        samples=samples,
        jobs=jobs,
        compare=compare,
        metric=metric,
        labels=labels,
        front_end=front_end,
        progress=_progress if sys.stderr.isatty() else None,
    )
    if plot:  # first: if it fails, stdout must not hold a result and an error
        api.plot_evaluation(result, plot)
    if as_json:
        print(json.dumps(result.as_dict(), indent=2))
    else:
        _show(result)
    return result.exit_code


def _progress(done: int, total: int) -> None:
    print(f"\r{done}/{total} inferences", end="\n" if done == total else "", file=sys.stderr, flush=True)


def _show(result: Evaluation) -> None:
    title = BENCHMARKS[result.benchmark].title if result.benchmark in BENCHMARKS else "own model"
    print(f"{result.benchmark} ({title}): model {result.model}, backend {result.backend}, {result.inputs} inputs")
    print(f"{_metric(result)} on {result.samples} samples in {result.seconds:.2f} s")
    if result.target is not None:
        verdict = {True: "met", False: "missed", None: "not decided"}[result.target_met]
        print(f"target {target(result.metric, result.target)}: {verdict}")
    for label, recall in (result.recall or {}).items():
        print(f"  recall {label:<12} {'no sample' if recall is None else f'{figure(100 * recall, 1)}%'}")
    if result.comparison:
        _show_comparison(result, result.comparison)
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)


def _metric(result: Evaluation) -> str:
    if result.value is None:
        return f"no {result.metric.upper()}"
    shown = score(result.metric, result.value, result.target)
    return f"{shown} ({result.correct}/{result.samples})" if result.metric == "top1" else shown


def _show_comparison(result: Evaluation, other: Comparison) -> None:
    value = "none" if other.value is None else figure(other.value, 4)
    print(
        f"against {other.backend} ({value}): {other.inferences_that_differ} of {other.inferences} outputs differ, "
        f"{len(other.samples)} of {result.samples} samples, {other.decisions} decisions"
    )
    for row in other.samples[:SHOWN_DIFFERENCES]:
        print(f"  {row.index:>5} {row.name}  label {row.label}: {row.here} / {row.there}, {row.codes} codes apart")
    if len(other.samples) > SHOWN_DIFFERENCES:
        print(f"  ... and {len(other.samples) - SHOWN_DIFFERENCES} more; --json lists all")
