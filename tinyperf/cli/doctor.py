"""`tinyperf doctor`: what is missing on this machine, and the command that gets it."""

from __future__ import annotations

import json

import click

from tinyperf import api
from tinyperf.cli import _names


@click.command()
@click.option(
    "--board",
    default="nucleo-l4r5zi",
    show_default=True,
    metavar="NAME|FILE",
    help="The board to use.",
    type=_names.BOARD,
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(*, board: str, as_json: bool) -> int:
    """Say what this machine lacks for a board, and what fixes it.

    Exit code 0: the board can be built and run (on the virtual one or the real one); 3: it cannot be built here;
    4: it can be built, but there is neither a virtual board nor a real one to run it on.

    \b
    tinyperf doctor
    tinyperf doctor --board nucleo-u575zi-q
    tinyperf doctor --board ./mine.yaml --json
    """
    found = api.doctor(board)
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
        return found.exit_code
    for check in found.checks:
        print(f"{check.state:<8} {check.name:<20} {check.found}")
        if check.state != "ok":
            print(f"{'':<8} {'':<20} why: {check.why}")
            if check.fix:
                print(f"{'':<8} {'':<20} fix: {check.fix}")
    print(f"{found.board}: build {_yes(found.build)}, virtual {_yes(found.virtual)}, real board {_yes(found.silicon)}")
    return found.exit_code


def _yes(claim: bool) -> str:
    return "yes" if claim else "no"
