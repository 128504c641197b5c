"""`tinyperf sessions`: what was measured, found again, shown, and held against each other."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinyperf import api
from tinyperf.cli import _options, _result
from tinyperf.cli._columns import columns, print_columns
from tinyperf.figures import figure, score

if TYPE_CHECKING:
    from tinyperf.session.listing import Difference, Row

FOLDER = click.option("--dir", "folder", default="sessions", show_default=True, metavar="DIR", help="Where to look.")
HEADINGS = ("when", "model", "board", "engine", "mode", "figure", "verdict", "session")
JSON = click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")


@click.group()
def command() -> None:
    """List, show and compare what was measured.

    SESSION is a folder; or, below --dir, a folder's name, what --name said, how either begins; or 'last'.

    \b
    tinyperf sessions list
    tinyperf sessions show last
    tinyperf sessions diff before after
    """


@command.command(name="list")
@FOLDER
@JSON
def listed(*, folder: str, as_json: bool) -> None:
    """List every session below DIR, the oldest first.

    \b
    tinyperf sessions list
    tinyperf sessions list --dir lab --json
    """
    rows = api.sessions_list(folder)
    if as_json:
        print(json.dumps([_options.finite(row.as_dict()) for row in rows], indent=2))
        return
    known = [row for row in rows if row.state != "damaged"]
    if known:
        print_columns([columns([_cells(row) for row in known], HEADINGS, {*HEADINGS} - {"figure"})])
    for row in rows:
        if row.state == "damaged":
            print(f"{row.session}  damaged: {row.reasons}")
    print(f"{len(rows)} sessions in {folder}; '~' before a figure: an estimate")


def _cells(row: Row) -> tuple[str, ...]:
    when = datetime.fromisoformat(row.created or "").astimezone().strftime("%Y-%m-%d %H:%M")
    model = row.model if row.benchmark == "custom" and row.model else row.benchmark
    verdict = {None: "unfinished", True: "valid", False: "not valid"}[row.valid]
    words = (model or "-", row.board or "-", row.engine or "foreign", row.mode or "-")
    return (when, *words, _figure(row), verdict, row.session + (f"  '{row.name}'" if row.name else ""))


def _figure(row: Row) -> str:
    """What the session's mode is for: a stream has a time, an energy and an accuracy at once."""
    about = "~" if row.estimated and row.mode != "accuracy" else ""
    if row.mode == "accuracy" and row.accuracy is not None and row.metric is not None:
        return score(row.metric, row.accuracy, None)
    if row.mode == "energy" and row.uj_per_inference is not None:
        return f"{about}{figure(row.uj_per_inference, 1)} uJ"
    return "-" if row.latency_ms is None else f"{about}{figure(row.latency_ms)} ms"


@command.command()
@click.argument("session", metavar="SESSION")
@FOLDER
@JSON
def show(*, session: str, folder: str, as_json: bool) -> int:
    """Show the result of a session, computed again from what was measured.

    Exit code as that of the run: 1 where it is not valid.

    \b
    tinyperf sessions show last
    tinyperf sessions show sessions/20261125-101500-nucleo-l4r5zi-kws-performance --json
    """
    found = api.sessions_show(session, folder=folder)
    if as_json:
        print(json.dumps(_options.finite(found.as_dict()), indent=2))
    else:
        _result.show(found)
    return found.exit_code


@command.command()
@click.argument("sessions", metavar="SESSION...", nargs=-1, required=True)
@FOLDER
@JSON
def diff(*, sessions: tuple[str, ...], folder: str, as_json: bool) -> None:
    """Show in what sessions differ; figures also in percent of the first.

    \b
    tinyperf sessions diff before after
    tinyperf sessions diff sessions/a sessions/b sessions/c --json
    """
    rows, differences = api.sessions_diff([Path(one) for one in sessions], folder=folder)
    if as_json:
        named = {one.what: {"values": one.values, "percent": one.percent} for one in differences}
        whole = {"sessions": [row.as_dict() for row in rows], "differences": named}
        print(json.dumps(_options.finite(whole), indent=2))
        return
    for number, row in enumerate(rows, 1):
        print(f"{number}  {row.session}" + (f"  '{row.name}'" if row.name else ""))
    for one in differences:
        for line in _difference(one):
            print(line)
    if not differences:
        print("no difference")


def _difference(one: Difference) -> list[str]:
    lines = []
    for number, (value, percent) in enumerate(zip(one.values, one.percent, strict=True), 1):
        text = "-" if value is None else figure(value) if isinstance(value, float) else str(value)
        change = f"  ({percent:+.2f} %)" if number > 1 and percent is not None else ""
        lines.append(f"{one.what if number == 1 else '':<21} {number}: {text}{change}")
    return lines


@command.command()
@click.argument("name", metavar="NAME")
def schema(*, name: str) -> None:
    """Print the JSON schema of a file of a session folder.

    NAME is session, transcript (of a line), energy, layers, results; run, profile or compare:
    what --json prints.

    \b
    tinyperf sessions schema session
    tinyperf sessions schema run > run.schema.json
    """
    print(json.dumps(api.sessions_schema(name), indent=2))
