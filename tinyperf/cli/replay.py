"""`tinyperf replay`: a recorded session of any tool computed again and judged; `tinyperf energy replay` is the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinyperf import api
from tinyperf.cli import _options
from tinyperf.figures import figure
from tinyperf.result import EnergyWindow, Window

if TYPE_CHECKING:
    from tinyperf.session.replay import Replay


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE", help="Of energy: also draw it, FILE.png or FILE.html."
)
@click.option(
    "--labels", type=click.Path(path_type=Path), metavar="FILE", help="Of accuracy: y_labels.csv of unknown inputs."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(folder: Path, *, plot: Path | None, labels: Path | None, as_json: bool) -> int:
    """Compute a recorded session again; exit 1 if it is not valid.

    Understands sessions of EnergyRunner, of the MLCommons runner and tinyperf's own, in performance, accuracy and
    energy mode: every figure they print is computed from what they measured, and compared. Labels of the official
    inputs are known by their names.

    \b
    tinyperf replay sessions/20230517133901
    tinyperf replay sessions/20230517133901 --json
    tinyperf replay sessions/20230517133901 --plot power.html
    """
    found = api.replay(folder, labels=labels)
    if plot is not None:
        print(f"picture in {api.energy_picture(folder, plot)}", file=sys.stderr)
    if as_json:
        print(json.dumps(_options.finite(found.as_dict()), indent=2))
    else:
        _show(found)
    return 0 if found.valid else 1


def _show(found: Replay) -> None:
    {"energy": _energy, "performance": _performance, "accuracy": _accuracy}[found.mode](found)
    agree = found.printed - len(found.differences)
    print(f"{agree} of {found.printed} printed figures agree ({found.format} session)")
    for one in found.differences:
        now = "nothing" if one.recomputed is None else figure(one.recomputed, 6)
        print(f"  {one.what}: printed {one.printed}, recomputed {now}")
    if found.windows_by_role and found.windows_by_role != found.windows:
        print("windows by the transcript's start and stop:")
        for window in found.windows_by_role:
            print(f"{'':>6} {_row(window)}")
    for note in found.notes:
        print(f"note: {note}")
    print("valid" if found.valid else "not valid: " + "; ".join(found.reasons))


def _energy(found: Replay) -> None:
    print(f"{'window':>6} {'start s':>10} {'seconds':>9} {'uJ':>15} {'uJ/inference':>14}")
    for number, one in enumerate(found.windows, 1):
        print(f"{number:>6} {_row(one)}")
    if found.median_uj_per_inference is not None and found.uj_interval is not None:
        low, high = found.uj_interval
        print(
            f"median {figure(found.median_uj_per_inference)} uJ per inference ({figure(low, 1)} to {figure(high, 1)})"
        )


def _row(one: EnergyWindow | Window) -> str:
    if isinstance(one, Window):
        return f"{one.inferences:>12} {one.seconds:>9.3f} {figure(one.throughput_ips):>14}"
    return f"{one.start_s:>10.3f} {one.seconds:>9.3f} {figure(one.uj):>15} {figure(one.uj_per_inference):>14}"


def _performance(found: Replay) -> None:
    print(f"{'window':>6} {'inferences':>12} {'seconds':>9} {'inferences/s':>14}")
    for number, one in enumerate(found.windows, 1):
        print(f"{number:>6} {_row(one)}")
    if found.throughput_ips:
        print(f"median {figure(found.throughput_ips)} inferences/s, {figure(1000 / found.throughput_ips)} ms each")


def _accuracy(found: Replay) -> None:
    parts = [f"top-1 {100 * found.top1:.2f} %"] if found.top1 is not None else []
    parts += [f"AUC {found.auc:.4f}"] if found.auc is not None else []
    print(f"{found.inputs} inputs: {', '.join(parts) or 'no score'}")
