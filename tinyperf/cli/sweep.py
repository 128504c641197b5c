"""`tinyperf sweep`: models x boards x engines x options x clocks in one table."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tinyperf import api
from tinyperf.cli import _options, _progress


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=_options.FOLDER, metavar="DIR", help="Folder of the sweep; FILE without its suffix.")
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="A dask scheduler; left out, workers on this computer.")
@click.option("--jobs", type=click.IntRange(1), help="Workers on this computer; left out, as many as processors.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(*, file: Path, out: Path | None, scheduler: str | None, jobs: int | None, as_json: bool) -> int:
    """Estimate models on boards with engines, options and clocks.

    FILE is YAML (docs/sweep.md). DIR gets table.csv, table.json, table.md and pareto.svg. The same command again finds
    out only what DIR lacks, after a worker or the sweep itself was killed too; what was begun twice says so. Exit code
    1 where a row has no figures.

    \b
    tinyperf sweep sweep.yaml
    tinyperf sweep sweep.yaml -o results --scheduler tcp://lab:8786
    """
    folder = out or file.with_suffix("")
    with _progress.shown() as progress:
        rows, files = api.sweep(file, folder, scheduler=scheduler, jobs=jobs, progress=progress)
    if as_json:
        whole = {"files": [str(path) for path in files], "rows": [row.as_dict() for row in rows]}
        print(json.dumps(_options.finite(whole), indent=2))
    else:
        print((folder / "table.md").read_text(encoding="utf-8"), end="")
        print(f"in {folder}: {', '.join(path.name for path in files)}", file=sys.stderr)
    return 1 if any(row.latency_ms is None for row in rows) else 0
