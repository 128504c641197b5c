"""`tinyperf flash`: build, flash, prove it by the build id."""

from __future__ import annotations

import json
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
@click.option("--virtual", is_flag=True, help="Flash the virtual board instead of a real one.")
@click.option("--probe", metavar="SERIAL", help="Serial number of the debug probe, where several are connected.")
@click.option("--port", metavar="URL", help="Serial port of the firmware; found through the probe if left out.")
@click.option(
    "--tool",
    metavar="NAME",
    help="openocd, st-flash, nrfutil, nrfjprog, jlink, pyocd, picotool, bossac, pio or drive; the first that fits.",
)
def command(
    *,
    benchmark: str | None,
    board: str,
    model: Path | None,
    engine: str,
    energy: bool,
    clock: int | None,
    as_json: bool,
    virtual: bool,
    probe: str | None,
    port: str | None,
    tool: str | None,
) -> None:
    """Build the firmware, flash it, and read its build id back.

    A tool's own success message is not believed: only the build id is. Exit code 4 where no probe is found, a tool
    fails, or the board runs something else afterwards.

    \b
    tinyperf flash --board nucleo-l4r5zi kws
    tinyperf flash --board nucleo-l4r5zi --virtual kws
    tinyperf flash --board nucleo-l4r5zi --probe 066DFF313946433143124528 kws
    """
    if virtual and (probe or port or tool):
        raise UsageError(
            "--probe, --port or --tool together with --virtual", hint="choose one: the real board, or the virtual one"
        )
    done = api.flash(
        board,
        benchmark,
        model=model,
        engine=engine,
        energy=energy,
        clock=clock,
        virtual=virtual,
        probe=probe,
        port=port,
        tool=tool,
    )
    if as_json:
        print(json.dumps(done.as_dict(), indent=2))
        return
    place = f"on {done.port}" if done.port else "on the virtual board"
    print(f"flashed   {done.board} with {done.tool} in {done.seconds:.1f} s, {done.bytes:,} bytes")
    print(f"build id  {done.build_id}, read back {place}")
