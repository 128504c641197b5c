"""The plans of one model on one board, as a table or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tinyperf.figures import error, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.session.plans import Plan


def show(plans: Sequence[Plan], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([plan.as_dict() for plan in plans], indent=2))
        return
    print(f"{'optimize':<9}  {'ms':>9}  {'arena B':>9}  {'RAM B':>9}  {'flash B':>9}")
    for plan in plans:
        row = plan.row
        sizes = (f"{'-' if size is None else f'{size:,}':>9}" for size in _sizes(plan))
        time = "-" if row.latency_ms is None else figure(row.latency_ms)
        words = ("no other plan beats it" if plan.pareto else "", "" if row.fits else "does not fit", row.reason)
        print("  ".join([f"{plan.optimize:<9}", f"{time:>9}", *sizes, "; ".join(filter(None, words))]).rstrip())
    board = plans[0].row
    print(f"{board.board} at {board.clock_hz / 1e6:g} MHz; times: estimates, {error(board.error_percent)} of silicon's")


def _sizes(plan: Plan) -> tuple[int | None, ...]:
    return plan.row.arena_bytes, plan.row.ram_bytes, plan.row.flash_bytes
