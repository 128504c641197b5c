"""`tinyperf train`: a benchmark's network from training data."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinyperf import api, content
from tinyperf.cli import _options
from tinyperf.errors import UsageError
from tinyperf.figures import figure

if TYPE_CHECKING:
    from tinyperf.learn.train import Epoch, Trained


@click.command()
@click.argument("benchmark", metavar="BENCH", type=click.Choice(list(content.names("models", ".py"))), required=False)
@click.argument(
    "file", metavar="[FILE.npz]", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False
)
@click.option("--from", "place", type=_options.FOLDER, metavar="DIR", help="Folder of training files.")
@click.option("--epochs", type=click.IntRange(min=1), help="Instead of the recipe's number.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="The same seed gives the same run; 0 by default.")
@click.option("--out", type=_options.FOLDER, metavar="RUN", help="Run folder; by default runs/BENCH-SEED.")
@click.option("--resume", "run", type=_options.FOLDER, metavar="RUN", help="Finish an interrupted run.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(
    *,
    benchmark: str | None,
    file: Path | None,
    place: Path | None,
    epochs: int | None,
    seed: int | None,
    out: Path | None,
    run: Path | None,
    as_json: bool,
) -> None:
    """Train the network of kws, vww, ic or ad.

    Architecture and recipe stand in models/BENCH.py; 'tinyperf quantize' comes next.

    Without FILE and --from, training files are taken from $TINYPERF_DATA/train. Every sample that is an official
    evaluation input, by content, is left out and named. A run that was stopped goes on after its last full epoch.

    \b
    tinyperf train kws --from DIR
    tinyperf train ad ad_toycar_normal.npz --seed 1 --out runs/ad
    tinyperf train --resume runs/ad
    """
    if run is not None:
        if file or place or out or epochs is not None or seed is not None:
            raise UsageError("--resume RUN goes on with that run's own settings", hint="give --resume alone")
        trained = api.train_resume(run, benchmark=benchmark, notice=_notice, progress=_show)
    elif file and place:
        raise UsageError("FILE.npz together with --from", hint="name the training files once")
    elif benchmark is None:
        raise UsageError("no benchmark is named", hint="'tinyperf train kws' trains one; --resume RUN finishes a run")
    else:
        trained = api.train(
            benchmark,
            file or place or _training_files(benchmark),
            out or Path("runs") / f"{benchmark}-{seed or 0}",
            epochs=epochs,
            seed=seed or 0,
            notice=_notice,
            progress=_show,
        )
    if as_json:
        print(json.dumps(asdict(trained), indent=2))
        return
    _tell(trained)


def _training_files(benchmark: str) -> Path:
    if data := os.environ.get("TINYPERF_DATA"):
        return Path(data) / "train"
    raise UsageError(
        f"no training files for {benchmark} are named",
        hint=f"--from DIR, or TINYPERF_DATA; 'tinyperf data {benchmark} --from DIR --out DIR' makes them",
    )


def _notice(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _show(epoch: Epoch) -> None:
    accuracy = "" if epoch.accuracy is None else f"accuracy {figure(100 * epoch.accuracy, 1)} %  "
    terminal = sys.stderr.isatty()  # one line that is overwritten; elsewhere a line for each epoch
    start = "\r" if terminal else ""
    print(
        f"{start}epoch {epoch.epoch}/{epoch.epochs}  loss {figure(epoch.loss, 4)}  "
        f"validation {figure(epoch.validation_loss, 4)}  "
        f"{accuracy}{epoch.seconds_left / 60:.1f} min left ",
        end="" if terminal and epoch.epoch < epoch.epochs else "\n",
        file=sys.stderr,
        flush=True,
    )


def _tell(trained: Trained) -> None:
    if trained.validation_accuracy is not None:
        print(f"validation  {figure(100 * trained.validation_accuracy, 1)} % (mean recall of the classes)")
    print(f"loss        {figure(trained.validation_loss, 4)} on the validation part")
    print(f"took        {trained.minutes:.1f} min, {trained.epochs} epochs")
    print(
        f"dropped     {len(trained.dropped)} samples that are official inputs"
        + "".join(f"\n  {d}" for d in trained.dropped)
    )
    print(f"model       {trained.model}")
    print(f"next        tinyperf quantize {trained.benchmark} --run {trained.run} -o {trained.benchmark}.tflite")
