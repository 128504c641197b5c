"""`tinyperf energy`: instruments on their own, and recorded sessions computed again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tinyperf import api
from tinyperf.cli import _options, replay


@click.group()
def command() -> None:
    """Energy instruments and recorded energy sessions.

    \b
    tinyperf energy monitors
    tinyperf energy check lpm01a:port=/dev/ttyACM1
    tinyperf energy simulate lpm01a
    tinyperf energy replay sessions/20230517133901
    """


@command.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list on stdout.")
def monitors(*, as_json: bool) -> None:
    """List the instruments, their options, and how far each was verified; and the isolators for the serial line.

    \b
    tinyperf energy monitors
    """
    found = api.energy_monitors()
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for one in found:
        print(f"{one['name']:<12} verified: {one['verified']:<10} {one['title']}")
        for option, what in one["options"].items():
            print(f"{'':<12}   {option}={what}")
    print(
        "\nWhere the board's serial line goes through an isolator ('tinyperf run --isolator'); wiring: energy/WIRING.md"
    )
    for text, title in api.energy_isolators().items():
        print(f"  --isolator {text:<28} {title}")


@command.command()
@click.argument("monitor", metavar="NAME[:OPTION=VALUE,...]")
@click.option("--supply", "supply_mv", default=3000, show_default=True, help="Millivolts for the target.")
@click.option(
    "--seconds", type=_options.SECONDS, default=3.0, show_default=True, help="How long to sample with the target on."
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Also write the samples: float32 watts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def check(monitor: str, supply_mv: int, seconds: float, out: Path | None, *, as_json: bool) -> int:
    """Prove an instrument on its own: identity, rate, noise floor with the target off, a test pulse with it on.

    The pulse comes from outside; stderr says when and where. One that was not made is no problem of the instrument.

    \b
    tinyperf energy check lpm01a:port=/dev/ttyACM1
    tinyperf energy check ppk2:port=simulated --seconds 2
    tinyperf energy check lpm01a:port=/dev/ttyACM1,format=binary --seconds 1800 --out power.f32
    """
    found = api.energy_check(
        monitor,
        supply_mv=supply_mv,
        seconds=seconds,
        out=out,
        told=lambda text: print(text, file=sys.stderr, flush=True),
    )
    if as_json:
        print(json.dumps(_options.finite(found), indent=2))
    else:
        for key, value in found.items():
            print(f"{key:<20} {value}")
    return 0 if found["ok"] else 1


@command.command()
@click.argument("name", metavar="lpm01a|ppk2|io_manager|interface_board")
@click.option("--fault", default="", help="Faults to inject, joined by +.")
def simulate(name: str, fault: str) -> None:
    """Play an instrument or isolator on a pseudo terminal, at the real rate, until Ctrl-C; its port is printed.

    Behind an isolator (io_manager, interface_board) stands a made-up board that answers as kws firmware does.

    \b
    tinyperf energy simulate lpm01a
    tinyperf energy simulate io_manager --fault torn
    tinyperf energy simulate ppk2 --fault lost+bounce
    """
    with api.energy_simulate(name, fault) as (path, log):
        print(path, flush=True)
        for line in log:
            print(line, file=sys.stderr, flush=True)


command.add_command(replay.command, "replay")
