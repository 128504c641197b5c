"""`tinyperf published`: every published result of a microcontroller, and where another figure would stand."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from tinyperf import api
from tinyperf.cli import _names, _options
from tinyperf.cli._columns import columns, print_columns
from tinyperf.errors import UsageError
from tinyperf.figures import significant

if TYPE_CHECKING:
    from tinyperf.reporting.published import Ranked, Standing

MS = _options.Number(0, 1e9, min_open=True)
PERCENT = _options.Number(0, 1e6)
HEADINGS = ("rank", "latency ms", "energy uJ", "MHz", "round", "organisation", "engine")
WORDS = ("round", "organisation", "board", "engine")


@click.command()
@click.option(
    "--board",
    metavar="NAME",
    help="Of one board; a part of the name takes every board that holds it.",
    type=_names.BOARD,
)
@click.option(
    "--bench", "benchmark", metavar="BENCH", help="Of one benchmark: kws, vww, ic, ad or sww.", type=_names.BENCH
)
@click.option("--latency", "latency_ms", type=MS, metavar="MS", help="Say where this latency would stand.")
@click.option("--estimated", "error_percent", type=PERCENT, metavar="PERCENT", help="It is an estimate, +- PERCENT.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(
    *,
    board: str | None,
    benchmark: str | None,
    latency_ms: float | None,
    error_percent: float | None,
    as_json: bool,
) -> int:
    """List published MLPerf Tiny results; where yours would stand.

    Microcontrollers of rounds v0.5 to v1.3, closed division, fastest first. The rank is by latency, among what is shown
    of a benchmark; the energy is that of one inference (sww: of one frame of 32 ms). With --latency: where your figure
    would stand on that board.

    \b
    tinyperf published --board nucleo-l4r5zi --bench kws
    tinyperf published --bench ad --json
    tinyperf published --board nucleo-l4r5zi --bench kws --latency 54.98 --estimated 13
    """
    place = _standing(board, benchmark, latency_ms, error_percent)
    ranks = api.published(board=board, benchmark=benchmark)
    if as_json:
        shown: dict[str, Any] = {"results": [row.as_dict() for row in ranks]}
        print(json.dumps({**shown, "standing": place.as_dict() if place else None}, indent=2))
        return 0
    for name, group in groupby(ranks, lambda row: row.result.benchmark):
        _print(name, list(group))
    if place:
        print(f"\n{significant(place.latency_ms)} ms {place.text}")
    return 0


def _standing(
    board: str | None, benchmark: str | None, latency_ms: float | None, error_percent: float | None
) -> Standing | None:
    if latency_ms is None:
        if error_percent is not None:
            raise UsageError("--estimated without --latency", hint="--latency MS is the figure that is an estimate")
        return None
    if board is None or benchmark is None:
        raise UsageError(
            "--latency without --board and --bench",
            means="a latency stands among those of the same board and benchmark",
            hint="name both: tinyperf published --board nucleo-l4r5zi --bench kws --latency 50",
        )
    return api.published_standing(
        board, benchmark, latency_ms, estimated=error_percent is not None, error_percent=error_percent
    )


def _print(benchmark: str, rows: list[Ranked]) -> None:
    boards = sorted({row.result.board for row in rows})
    where = f" on {boards[0]}" if len(boards) == 1 else f" on {len(boards)} boards"
    print(f"\n{benchmark}{where}, {len(rows)} published results")
    several = len(boards) > 1
    heads = [*HEADINGS[:-1], *(["board"] if several else []), HEADINGS[-1]]
    print_columns([columns([_cells(row, several=several) for row in rows], heads, WORDS)])


def _cells(row: Ranked, *, several: bool) -> list[str]:
    one = row.result
    energy = "-" if one.energy_uj is None else significant(one.energy_uj)
    figures = [str(row.rank), significant(one.latency_ms), energy, f"{one.clock_mhz:g}"]
    return [*figures, one.round, one.organisation, *([one.board] if several else []), one.engine]
