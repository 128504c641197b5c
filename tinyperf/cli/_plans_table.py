"""The plans of one model on one board, as a table or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tinyperf.cli._columns import columns, print_columns
from tinyperf.figures import error, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.session.plans import Plan

HEADINGS = ("optimize", "ms", "arena B", "RAM B", "flash B", "")


def show(plans: Sequence[Plan], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([plan.as_dict() for plan in plans], indent=2))
        return
    print_columns([columns([_cells(plan) for plan in plans], HEADINGS, ("optimize", ""))])
    board = plans[0].row
    print(f"{board.board} at {board.clock_hz / 1e6:g} MHz; times: estimates, {error(board.error_percent)} of silicon's")


def _cells(plan: Plan) -> tuple[str, ...]:
    row = plan.row
    sizes = ("-" if size is None else f"{size:,}" for size in _sizes(plan))
    time = "-" if row.latency_ms is None else figure(row.latency_ms)
    words = ("no other plan beats it" if plan.pareto else "", "" if row.fits else "does not fit", row.reason)
    return (plan.optimize, time, *sizes, "; ".join(filter(None, words)))


def _sizes(plan: Plan) -> tuple[int | None, ...]:
    return plan.row.arena_bytes, plan.row.ram_bytes, plan.row.flash_bytes
