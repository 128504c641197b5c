"""`tinyperf quantize`: a float model to int8 .tflite."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinyperf import api
from tinyperf.cli import _options
from tinyperf.errors import UsageError
from tinyperf.figures import figure

if TYPE_CHECKING:
    from tinyperf.learn.quantize import Quantized

ANY = click.Path(path_type=Path)
LAYERS_SHOWN = 8


@click.command()
@click.argument("benchmark", metavar="[BENCH]", required=False)
@click.option("--run", type=_options.FOLDER, metavar="RUN", help="Run folder of 'tinyperf train'.")
@click.option("--model", type=ANY, metavar="FILE", help="A .keras or .h5 file, or a SavedModel folder.")
@click.option(
    "--calibration", type=ANY, metavar="FILE.npz", help="With --model: array x of inputs; y of labels, if any."
)
@click.option("-o", "--out", type=_options.MODEL_FILE, metavar="OUT.tflite", required=True, help="The file to write.")
@click.option(
    "--percentile",
    type=click.FloatRange(min=90, max=100),
    metavar="P",
    help="Clip activations at this percentile of the calibration. With --run by default that of models/BENCH.py; else "
    "100, which is minimum and maximum.",
)
@click.option("--fc-per-channel", is_flag=True, help="One scale per output of fully connected layers: more accurate.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(
    *,
    benchmark: str | None,
    run: Path | None,
    model: Path | None,
    calibration: Path | None,
    out: Path,
    percentile: float | None,
    fc_per_channel: bool,
    as_json: bool,
) -> None:
    """Make a full int8 model, and show what it lost.

    Batch 1, int8 input and output, convolutions per channel.

    Shows accuracy before and after (on validation data, never on official inputs) and which layers lost most.
    With --model, calibration inputs are real values as the float model takes them.

    \b
    tinyperf quantize kws --run runs/kws-0 -o kws.tflite
    tinyperf quantize --model mine.keras --calibration inputs.npz -o mine.tflite
    """
    if (run is None) == (model is None):
        raise UsageError("give either --run or --model", hint="--run RUN, or --model FILE with --calibration FILE.npz")
    if run is not None:
        if calibration is not None:
            raise UsageError("--calibration together with --run", hint="a run is calibrated by its benchmark's rule")
        found = api.quantize(run, out, benchmark=benchmark, percentile=percentile, fc_per_channel=fc_per_channel)
    elif model is not None and calibration is not None:
        found = api.quantize_model(
            model, calibration, out, benchmark=benchmark, percentile=percentile, fc_per_channel=fc_per_channel
        )
    else:
        raise UsageError(
            "--model needs --calibration FILE.npz",
            means="int8 ranges come from inputs that the model has seen",
            hint="numpy.savez('inputs.npz', x=inputs) with some hundred inputs",
        )
    print(json.dumps(asdict(found), indent=2)) if as_json else _tell(found)


def _tell(found: Quantized) -> None:
    print(f"model        {found.tflite}, {found.size_bytes:,} bytes")
    clipped = "" if found.percentile == 100 else f", activations clipped at the {found.percentile:g}th percentile"
    print(f"calibration  {found.calibration}{clipped}")
    if found.metric == "top1":
        print(
            f"accuracy     float {figure(100 * (found.float_value or 0), 1)} %, "
            f"int8 {figure(100 * (found.int8_value or 0), 1)} %",
            end="",
        )
        print(f" ({found.samples} samples)")
    elif found.metric == "mse":
        print(
            f"error        float {figure(found.float_value or 0)}, int8 {figure(found.int8_value or 0)} (mean squared)"
        )
    print("worst layers (error relative to the float output, everything before included):")
    for layer in found.layers[:LAYERS_SHOWN]:
        print(f"  {layer.index:>3} {layer.op:<20} {figure(100 * layer.relative_error, 2):>8} %")
