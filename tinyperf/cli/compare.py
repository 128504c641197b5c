"""`tinyperf compare`: engines side by side on the virtual board."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from tinyperf import api, content
from tinyperf.benchmark import BENCHMARKS
from tinyperf.cli import _names, _options
from tinyperf.cli._columns import columns, fitted
from tinyperf.figures import figure

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.session.compare import Row

HEADINGS = ("model", "engine", "est. ms", "instructions", "arena B", "flash B", "of it code B", "mismatches")
ENGINES = ("aot", "tflm:kernels=cmsis_nn", "tflm:kernels=reference")


@click.command()
@click.argument("benchmarks", metavar="[BENCH]...", nargs=-1, type=_names.BENCH)
@click.option(
    "--board",
    default="nucleo-l4r5zi",
    show_default=True,
    metavar="NAME|FILE",
    help="A board, virtual.",
    type=_names.BOARD,
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    default=ENGINES,
    show_default=True,
    metavar="NAME[:OPTION=VALUE,...]",
    help="May be given several times.",
    type=_names.ENGINE,
)
@click.option(
    "--model", "models", multiple=True, type=_options.MODEL, metavar="FILE", help="A .tflite; several times too."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON list on stdout.")
def command(
    *, benchmarks: tuple[str, ...], board: str, engines: tuple[str, ...], models: tuple[Path, ...], as_json: bool
) -> int:
    """Compare engines on the virtual board: time, memory, outputs.

    Each runs the same models on the same inputs; outputs are compared with TFLM's.

    Without BENCH and --model: every benchmark with a shipped model. An engine that is not here, or does not take a
    model, has a row that says why. Exit code 1 where an output differs from the oracle's, or a firmware that was
    built goes wrong.

    \b
    tinyperf compare --board nucleo-l4r5zi
    tinyperf compare kws ad --engine aot --engine tflm:kernels=cmsis_nn --json
    tinyperf compare --model mine.tflite --engine aot
    """
    names = benchmarks or (
        () if models else tuple(name for name in BENCHMARKS if name in content.names("models", ".tflite"))
    )
    show = sys.stderr.isatty()
    rows = api.compare(
        names,
        board=board,
        engines=engines,
        models=models,
        progress=lambda text: print(text, file=sys.stderr) if show else None,
    )
    if as_json:
        print(json.dumps([row.as_dict() for row in rows], indent=2))
    else:
        _print(rows)
    return 1 if any(row.mismatches or (row.missing and row.missing.failed) for row in rows) else 0


def _print(rows: list[Row]) -> None:
    heads, *lines = fitted([columns([_cells(row) for row in rows], HEADINGS, ("model", "engine", "mismatches"))])
    print("\n".join(heads))
    for row, line in zip(rows, lines, strict=True):
        print("\n".join([*line, *_missing(row)]))
    measured = [row for row in rows if not row.missing]
    print(f"times: estimates of the virtual board; outputs compared with {measured[0].oracle or 'nothing'}")
    for engine, version in dict.fromkeys((row.engine, row.version) for row in measured):
        print(f"{engine}: {version}")


def _cells(row: Row) -> tuple[str, ...]:
    if row.missing:
        return (row.model, row.engine, "-", "-", "-", "-", "-", "not measured:")
    time = figure(row.estimated_ms, 2) if row.estimated_ms is not None else "-"
    count = f"{row.instructions:,}" if row.instructions is not None else "-"
    differing = "not compared" if row.mismatches is None else f"{row.mismatches} of {row.values}"
    sizes = (f"{size or 0:,}" for size in (row.arena_bytes, row.flash_bytes, row.code_bytes))
    return (row.model, row.engine, time, count, *sizes, differing)


def _missing(row: Row) -> list[str]:
    """Why a row has no figures."""
    if not row.missing:
        return []
    means = [f"means: {row.missing.means}"] if row.missing.means else []
    return [f"    {text}" for text in (*row.missing.seen.splitlines(), *means, f"try:   {row.missing.hint}")]
