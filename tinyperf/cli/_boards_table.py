"""One model on many boards, as a table, a file or a picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tinyperf import api
from tinyperf.cli._columns import columns, print_columns
from tinyperf.cli._layers_table import write
from tinyperf.figures import error, figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tinyperf.session.fleet import Row

HEADINGS = ("board", "core", "MHz", "ms an inference", "uJ an inference", "RAM B", "flash B", "fits")
TO_THE_LEFT = {"board", "core", "ms an inference", "uJ an inference", "fits"}


def show(rows: Sequence[Row], title: str, *, as_json: bool, csv: Path | None, plot: Path | None) -> None:
    """The files first: if one fails, stdout must not hold a result and an error."""
    if csv:
        write([row.as_dict() for row in rows], csv)
    if plot:
        api.boards_picture(rows, title, plot)
    if as_json:
        print(json.dumps([row.as_dict() for row in rows], indent=2))
        return
    print_columns([columns([_cells(row) for row in rows], HEADINGS, TO_THE_LEFT)])
    for row in rows:
        if row.best:
            print(f"best {row.best}: {row.board} at {row.clock_hz / 1e6:g} MHz")
    print("times and energies: estimates of the virtual boards, one inference each; ± as measured against silicon")


def _cells(row: Row) -> tuple[str, ...]:
    fits = {True: "yes; ", False: "no: ", None: "not known: "}[row.fits] + row.reason
    counted = f"- ({row.instructions_per_inference:,} instructions)" if row.instructions_per_inference else "-"
    return (
        row.board,
        row.core,
        f"{row.clock_hz / 1e6:g}",
        counted if row.latency_ms is None else f"{figure(row.latency_ms)} {error(row.error_percent)}",
        "-" if row.uj_per_inference is None else f"{figure(row.uj_per_inference, 1)} {error(row.energy_error_percent)}",
        *("-" if size is None else f"{size:,}" for size in (row.ram_bytes, row.flash_bytes)),
        fits.rstrip("; "),
    )
