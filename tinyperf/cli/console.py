"""`tinyperf console`: talk to the firmware by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from tinyperf import api
from tinyperf.cli import _names, _options
from tinyperf.errors import UsageError


@click.command()
@click.argument("commands", nargs=-1, metavar="[COMMAND]...")
@click.option(
    "--board",
    "-b",
    default="nucleo-l4r5zi",
    show_default=True,
    help="A board's name, or a board file.",
    type=_names.BOARD,
)
@click.option("--port", help="Serial port or pyserial URL; left out, the board is looked for on USB.")
@click.option("--baud", type=click.IntRange(1, 2**31 - 1), help="Baud rate; left out, the board file's.")
@click.option("--virtual", is_flag=True, help="The virtual board; needs --image or a benchmark's name in --bench.")
@click.option("--bench", help="With --virtual: build and start this benchmark.", type=_names.BENCH)
@click.option("--image", type=click.Path(path_type=Path), help="With --virtual: start this firmware.")
@click.option(
    "--timeout", "timeout_s", type=_options.SECONDS, default=5.0, show_default=True, help="Seconds of silence."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON list on stdout: command, lines, ready.")
def command(
    *,
    commands: tuple[str, ...],
    board: str,
    port: str | None,
    baud: int | None,
    virtual: bool,
    bench: str | None,
    image: Path | None,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Talk to a device: send COMMANDs, print what comes back.

    Without COMMANDs they are read from standard input.

    The closing '%' is added. Exit code 4: a command was not answered with m-ready.

    \b
    tinyperf console --port /dev/ttyACM0
    tinyperf console --port socket://127.0.0.1:5000 name profile
    tinyperf console --virtual --bench kws name "db load 490"
    """
    if as_json and not commands:
        raise UsageError("--json needs COMMANDs", hint='tinyperf console --json --port ... name "infer 1 0"')
    rows: list[dict[str, Any]] = []
    with api.console(
        board=board, port=port, baud=baud, virtual=virtual, benchmark=bench, image=image, timeout_s=timeout_s
    ) as talk:
        for text in commands or _typed():
            lines, ready = talk(text)
            rows.append({"command": text, "lines": lines, "ready": ready})
            if not as_json:
                for line in lines:
                    print(line, flush=True)
                if not ready:
                    print(f"no m-ready within {timeout_s:g} s", file=sys.stderr)
    if as_json:
        print(json.dumps(rows, indent=2))
    return 0 if all(row["ready"] for row in rows) else 4


def _typed() -> Any:
    """Commands from standard input; a prompt on a terminal."""
    while True:
        if sys.stdin.isatty():
            print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        text = line.strip().removesuffix("%")
        if text:
            yield text
