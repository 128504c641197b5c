"""`tinyperf quantize`: a float model to int8 .tflite."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from tinyperf import api
from tinyperf.benchmark import BENCHMARKS
from tinyperf.cli import _options, _progress
from tinyperf.errors import UsageError
from tinyperf.figures import figure

if TYPE_CHECKING:
    from tinyperf.learn.quantize import Activations, End, Quantized
    from tinyperf.session.progress import Progress

ANY = click.Path(path_type=Path)
LAYERS_SHOWN = 8


class Options(TypedDict):
    """What runs and files share."""

    benchmark: str | None
    percentile: float | None
    fc_per_channel: bool
    progress: Progress


@click.command()
@click.argument("what", metavar="[FILE | BENCH]", required=False)
@click.option("--run", type=_options.FOLDER, metavar="RUN", help="Run folder of 'tinyperf train'.")
@click.option("--model", type=ANY, metavar="FILE", help="The float model, where BENCH is given too.")
@click.option(
    "--calibration",
    type=ANY,
    metavar="FILE.npz",
    help="With FILE: array x of inputs (of several inputs, one array each, by name); y of labels, if any.",
)
@click.option("-o", "--out", type=_options.WRITTEN, metavar="OUT.tflite", required=True, help="The file to write.")
@click.option(
    "--percentile",
    type=click.FloatRange(min=90, max=100),
    metavar="P",
    help="Clip activations at this percentile of the calibration. With --run by default that of models/BENCH.py; else "
    "100, which is minimum and maximum.",
)
@click.option("--fc-per-channel", is_flag=True, help="One scale per output of fully connected layers: more accurate.")
@click.option(
    "--activations",
    type=click.Choice(["int8", "int16"]),
    default="int8",
    show_default=True,
    help="int16: finer activations with int8 weights, larger and slower.",
)
@click.option(
    "--keep-layout",
    is_flag=True,
    help="Inputs and outputs of ONNX and PyTorch as they are (channels first), even where that costs transposes.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(
    *,
    what: str | None,
    run: Path | None,
    model: Path | None,
    calibration: Path | None,
    out: Path,
    percentile: float | None,
    fc_per_channel: bool,
    activations: Activations,
    keep_layout: bool,
    as_json: bool,
) -> None:
    """Make a full int8 model of a float one; show what it lost.

    FILE: a Keras model (.keras, .h5), the folder of a SavedModel, an ONNX model, a PyTorch program of torch.export
    (.pt2), or a float .tflite. Batch 1, int8 input and output, convolutions per channel.

    Shows accuracy before and after (on validation data, never on official inputs) and which layers lost most, and
    warns of calibration inputs that look wrong: they are real values as the float model takes them.

    \b
    tinyperf quantize mine.keras --calibration inputs.npz -o mine.tflite
    tinyperf quantize net.onnx --calibration inputs.npz -o net.tflite
    tinyperf quantize kws --run runs/kws-0 -o kws.tflite
    """
    benchmark, file = _meant(what, run, model)
    with _progress.shown() as progress:
        options: Options = {
            "benchmark": benchmark,
            "percentile": percentile,
            "fc_per_channel": fc_per_channel,
            "progress": progress,
        }
        if run is not None:
            if calibration is not None or activations != "int8" or keep_layout:
                raise UsageError(
                    "--calibration, --activations and --keep-layout are for a FILE",
                    hint="leave them out: a run is calibrated by its benchmark's rule",
                )
            found = api.quantize(run, out, **options)
        else:
            found = api.quantize_model(
                *_both(file, calibration), out, activations=activations, keep_layout=keep_layout, **options
            )
    print(json.dumps(asdict(found), indent=2)) if as_json else _tell(found)
    for text in found.warnings:
        print(f"warning: {text}", file=sys.stderr)


def _both(file: Path | None, calibration: Path | None) -> tuple[Path, Path]:
    """Raises: UsageError: a model without inputs."""
    if file is None or calibration is None:
        raise UsageError(
            "a model needs --calibration FILE.npz",
            means="int8 ranges come from inputs that the model has seen",
            hint="numpy.savez('inputs.npz', x=inputs) with some hundred inputs",
        )
    return file, calibration


def _meant(what: str | None, run: Path | None, model: Path | None) -> tuple[str | None, Path | None]:
    """Benchmark and model file: an argument that is no benchmark's name is a file.

    Raises: UsageError: neither a model nor a run, or both.
    """
    if what is None or run is not None or what in BENCHMARKS:
        benchmark, file = what, model
    elif model is None:
        benchmark, file = None, Path(what)
    else:
        raise UsageError(f"two models: {what} and {model}", hint="with --model, only a BENCH stands before it")
    if (run is None) == (file is None):
        raise UsageError("give either a FILE or --run", hint="FILE with --calibration FILE.npz, or --run RUN")
    return benchmark, file


def _tell(found: Quantized) -> None:
    print(f"model        {found.tflite}, {found.size_bytes:,} bytes, of {found.source} ({found.form})")
    if found.import_error is not None:
        print(f"import       equals it in its own runtime, but for {found.import_error:.1g} of the largest output")
    for what, ends in (("input", found.inputs), ("output", found.outputs)):
        for end in ends:
            print(f"{what:<12} {_end(end)}")
    clipped = "" if found.percentile == 100 else f", activations clipped at the {found.percentile:g}th percentile"
    print(f"calibration  {found.calibration}{clipped}")
    if found.metric == "top1":
        print(
            f"accuracy     float {figure(100 * (found.float_value or 0), 1)} %, "
            f"{found.activations} {figure(100 * (found.int8_value or 0), 1)} %",
            end="",
        )
        print(f" ({found.samples} samples)")
    elif found.metric == "mse":
        print(
            f"error        float {figure(found.float_value or 0)}, {found.activations} {figure(found.int8_value or 0)} "
            "(mean squared)"
        )
    print("worst layers (error relative to the float output, everything before included):")
    for layer in found.layers[:LAYERS_SHOWN]:
        print(f"  {layer.index:>3} {layer.op:<20} {figure(100 * layer.relative_error, 2):>8} %")


def _end(end: End) -> str:
    moved = "" if end.shape == end.source_shape else f", channels last; the source has {list(end.source_shape)}"
    return f"{end.name} {list(end.shape)}, scale {end.scale:.6g}, zero point {end.zero_point}{moved}"
