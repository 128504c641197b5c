"""`tinyperf energy`: instruments on their own, and recorded sessions computed again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinyperf import api

if TYPE_CHECKING:
    from tinyperf.rules.replay import Replay


@click.group()
def command() -> None:
    """Energy instruments and recorded energy sessions.

    \b
    tinyperf energy replay sessions/20230517133901
    """


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def replay(folder: Path, *, as_json: bool) -> int:
    """Compute a recorded session again from its raw trace; exit 1 where the rules call it invalid.

    Understands EnergyRunner sessions, MLCommons runner sessions and tinyperf's own.

    \b
    tinyperf energy replay sessions/20230517133901
    tinyperf energy replay sessions/20230517133901 --json
    """
    found = api.energy_replay(folder)
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        _show_replay(found)
    return 0 if found.valid else 1


def _show_replay(found: Replay) -> None:
    print(f"{'window':>6} {'start s':>10} {'seconds':>9} {'uJ':>15} {'uJ/inference':>14}")
    for number, one in enumerate(found.windows, 1):
        print(f"{number:>6} {one.start_s:>10.3f} {one.seconds:>9.3f} {one.uj:>15.3f} {one.uj_per_inference:>14.3f}")
    if found.median_uj_per_inference is not None and found.uj_interval is not None:
        low, high = found.uj_interval
        print(f"median {found.median_uj_per_inference:.3f} uJ per inference ({low:.1f} to {high:.1f})")
    agree = found.printed - len(found.differences)
    print(f"{agree} of {found.printed} printed figures agree ({found.format} session)")
    for one_difference in found.differences:
        now = "nothing" if one_difference.recomputed is None else f"{one_difference.recomputed:.6f}"
        print(f"  {one_difference.what}: printed {one_difference.printed}, recomputed {now}")
    if found.windows_by_role != found.windows:
        print("windows by the transcript's start and stop:")
        for one in found.windows_by_role:
            print(f"{'':>6} {one.start_s:>10.3f} {one.seconds:>9.3f} {one.uj:>15.3f} {one.uj_per_inference:>14.3f}")
    for note in found.notes:
        print(f"note: {note}")
    print("valid" if found.valid else "not valid: " + "; ".join(found.reasons))
