"""`tinyperf boards`: what boards there are and how far each was verified; a file for a new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from tinyperf import api, figures
from tinyperf.cli import _options
from tinyperf.cli._columns import columns, print_columns

if TYPE_CHECKING:
    from tinyperf.board import Board

HEADINGS = ("board", "verified", "core", "clock", "times", "is")


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON list on stdout.")
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """List the boards, how verified, how far off; start one.

    silicon: measured on the real board. emulated: its image runs in an emulator. native: its image is a process of this
    computer, whose clock is not known. compiled: its image is built. rendered: its project is generated, and neither
    built nor run here. images: foreign images run in an emulator, there is no firmware of ours.

    ±7 %: a little more than the largest difference from silicon that was seen; docs/virtual_board.md has the table.

    \b
    tinyperf boards
    tinyperf boards --json
    tinyperf boards new my-board
    """
    ctx.obj = as_json
    if ctx.invoked_subcommand is not None:
        return
    found = api.boards()
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "name": b.name,
                        "title": b.title,
                        "soc": b.part,
                        "core": b.core.name,
                        "clock_hz": b.clock_hz if b.memory else None,
                        "verified": b.verified,
                        "error_percent": b.emulator.error_percent if b.emulator else None,
                    }
                    for b in found
                ],
                indent=2,
            )
        )
        return
    clocks = [f"{b.clock_hz / 1e6:.0f} MHz" if b.memory else "-" for b in found]
    rows = [
        (b.name, b.verified, b.core.name, clock, _error(b), b.title) for b, clock in zip(found, clocks, strict=True)
    ]
    print_columns([columns(rows, HEADINGS, {*HEADINGS} - {"clock"})])


def _error(board: Board) -> str:
    """Of the times that its emulator tells: `±7 %`; QEMU counts instructions, and a process takes this computer's."""
    engine = board.emulator.engine if board.emulator else "process"
    if engine == "unicorn" and board.emulator:
        return figures.error(board.emulator.error_percent)
    return "instructions only" if engine == "qemu" else "-"


@command.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--stm32", "form", flag_value="stm32", default="stm32", help="Our own firmware on the bare chip (the default)."
)
@click.option("--arduino", "form", flag_value="arduino", help="Through its Arduino core, which PlatformIO brings.")
@click.option("-o", "--out", type=_options.FOLDER, default=Path(), metavar="DIR", help="Folder of the new file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_obj
def new(group_json: bool, *, name: str, form: Literal["stm32", "arduino"], out: Path, as_json: bool) -> None:
    """Write NAME.yaml, a commented board file to fill in; --board ./NAME.yaml uses it from anywhere.

    \b
    tinyperf boards new my-board
    tinyperf boards new my-board --arduino -o ~/boards
    """
    path = str(api.new_board(name, out, form=form))
    print(json.dumps({"name": name, "path": path}, indent=2) if as_json or group_json else path)
