"""`tinyperf report`: finished sessions for people, and for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinyperf import api
from tinyperf.cli import _options


@click.command()
@click.argument("sessions", metavar="SESSION...", nargs=-1, required=True)
@click.option("-o", "--out", required=True, type=_options.MODEL_FILE, metavar="FILE", help=".html .md .csv .parquet")
@click.option("--title", metavar="TEXT", help="Of the page.")
@click.option("--dir", "folder", default="sessions", show_default=True, metavar="DIR", help="Where sessions are.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout: the file, and a row a session.")
def command(*, sessions: tuple[str, ...], out: Path, title: str | None, folder: str, as_json: bool) -> None:
    """Report on sessions: one page, Markdown, or a table.

    SESSION is a folder, or how 'tinyperf sessions' names it. The page needs nothing beside it and sends nothing. Every
    figure is computed again from what was measured, and every estimate is marked; compared with published results of
    the same board and benchmark, an estimate takes no rank.

    \b
    tinyperf report last -o report.html
    tinyperf report sessions/a sessions/b --title 'Before and after' -o report.md
    tinyperf report sessions/a sessions/b -o table.parquet
    """
    rows = api.report([Path(one) for one in sessions], out, title=title, folder=folder)
    if as_json:
        whole = {"report": str(out), "sessions": [row.as_dict() for row in rows]}
        print(json.dumps(_options.finite(whole), indent=2))
    else:
        print(f"{out}: {len(rows)} session{'s' if len(rows) != 1 else ''}, {out.stat().st_size:,} bytes")
