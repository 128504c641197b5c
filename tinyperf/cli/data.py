"""`tinyperf data`: an original dataset to training arrays and evaluation inputs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from tinyperf import api
from tinyperf.cli import _names
from tinyperf.errors import UsageError

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("benchmark", metavar="BENCH", type=_names.BENCH)
@click.option("--from", "source", type=FOLDER, metavar="DIR", help="The original dataset, unpacked.")
@click.option("--out", type=FOLDER, required=True, metavar="DIR", help="Where the arrays and inputs go.")
@click.option("--pull", is_flag=True, help="First fetch the dataset from its publisher into --from.")
@click.option("--synthetic", is_flag=True, help="A small made-up set instead of an original one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(*, benchmark: str, source: Path | None, out: Path, pull: bool, synthetic: bool, as_json: bool) -> None:
    """Turn an original dataset into training arrays and inputs.

    Training arrays are .npz files; inputs lie in EnergyRunner's layout.

    kws: Speech Commands v2. vww: COCO 2014. ic: CIFAR-10 (binary, Python or image folders). ad: ToyCar of DCASE 2020
    Task 2. Official inputs are recognised; where they are there, they are what is written. A run that was killed goes
    on where it stopped. Needs the extra 'data'.

    \b
    tinyperf data ic --from cifar-10-batches-bin --out prepared
    tinyperf data kws --pull --from speech_commands --out prepared
    tinyperf data ad --synthetic --out made_up
    """
    if synthetic == (source is not None):
        raise UsageError(
            "give either --from DIR or --synthetic", hint="--from DIR is an original dataset, --synthetic makes one up"
        )
    if synthetic and pull:
        raise UsageError("--pull together with --synthetic", hint="--pull fetches an original dataset into --from")
    if source is None:
        result = api.data_synthetic(benchmark, out)
    else:
        result = api.data(benchmark, source, out, pull=pull, progress=_progress if sys.stderr.isatty() else None)
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        print(json.dumps(asdict(result), indent=2))
        return
    print(f"{result.benchmark} from {result.source}: {result.training_samples} samples for training")
    for file in result.files:
        print(f"  {file}")
    print(f"  tinyperf train {result.benchmark} {result.files[0]}")
    if result.evaluation_folder:
        print(f"{result.evaluation_samples} evaluation inputs ({result.inputs}; {result.official} equal official ones)")
        print(f"  {result.evaluation_folder}")


def _progress(what: str, done: int, total: int) -> None:
    print(f"\r{what}: {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
