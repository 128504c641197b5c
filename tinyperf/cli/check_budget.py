"""`tinyperf check-budget`: limits of time, memory and accuracy, for continuous integration."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinyperf import api
from tinyperf.cli import _options, _progress
from tinyperf.errors import DiskError


@click.command(name="check-budget")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=_options.WRITTEN, metavar="FILE.md", help="Also write the Markdown table there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(*, file: Path, out: Path | None, as_json: bool) -> int:
    """Check models against limits; exit 1 if one is broken.

    FILE is YAML: limits of latency, energy, flash, RAM, arena and accuracy for each model and board (docs/budget.md).
    Times are estimates of the virtual board, and the table says so. It is Markdown, for a comment on a pull request.

    \b
    tinyperf check-budget budget.yaml
    tinyperf check-budget budget.yaml -o comment.md --json
    """
    with _progress.shown() as progress:
        rows = api.check_budget(file, progress=progress)
    text = api.budget_table(rows)
    if out is not None:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as exc:
            raise DiskError(f"{out} cannot be written: {exc.strerror}", hint="give another file to -o") from exc
    broken = sum(not row.kept for row in rows)
    if as_json:
        whole = {"kept": not broken, "broken": broken, "limits": [row.as_dict() for row in rows]}
        print(json.dumps(_options.finite(whole), indent=2))
    else:
        print(text, end="")
    return 1 if broken else 0
