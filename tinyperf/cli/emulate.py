"""`tinyperf emulate`: the virtual board for any other client."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from tinyperf import api
from tinyperf.cli import _options
from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@_options.firmware
@_options.optimize()
@_options.CLOCK
@click.option("--image", type=_options.MODEL_FILE, metavar="FILE", help="Start this .elf, .hex or .bin instead.")
@click.option("--pty", "as_pty", is_flag=True, help="A pseudo-terminal (the default).")
@click.option("--tcp", metavar="[HOST:]PORT", help="A TCP port; on this computer only, unless HOST says otherwise.")
@click.option(
    "--card", type=_options.FOLDER, metavar="DIR", help="sww: play an interface board in front, with these .wav files."
)
@click.option("--fast", is_flag=True, help="As fast as this computer can, not in real time.")
def command(
    *,
    benchmark: str | None,
    board: str,
    model: Path | None,
    engine: str,
    energy: bool,
    clock: int | None,
    as_json: bool,
    image: Path | None,
    as_pty: bool,
    tcp: str | None,
    fast: bool,
    card: Path | None,
) -> int:
    """Serve the virtual board to any client, on a pty or TCP.

    It ends with Ctrl-C; the first line on stdout is what a client opens.

    Time runs as the cycle model says: an estimate. Before serving, one inference is run in full detail for that.

    \b
    tinyperf emulate --board nucleo-l4r5zi kws
    tinyperf emulate --board nucleo-l4r5zi --image firmware.hex --tcp 5000
    tinyperf emulate --board nucleo-l4r5zi sww --model FILE --card sww_data_dir
    tinyperf run --board nucleo-l4r5zi --port socket://127.0.0.1:5000 kws
    """
    if as_pty and tcp:
        raise UsageError("--pty and --tcp exclude each other", hint="give one of them")
    served = False

    def ready(place: str) -> None:
        nonlocal served
        served = True
        print(json.dumps({"place": place, "board": board, "estimated": True}) if as_json else place, flush=True)
        print("serving; Ctrl-C ends it", file=sys.stderr)

    try:
        api.emulate(
            board,
            benchmark,
            model=model,
            engine=engine,
            energy=energy,
            clock=clock,
            image=image,
            tcp=tcp,
            fast=fast,
            card=card,
            ready=ready,
        )
    except KeyboardInterrupt:
        if not served:  # nothing came of it
            raise
        print("stopped", file=sys.stderr)
    return 0
