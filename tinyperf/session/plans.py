"""One model on one board by each plan of engine `aot`: what each spends, and which of them no other beats."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

from tinyperf.engines import Optimize, planned
from tinyperf.session import fleet
from tinyperf.session.progress import silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.board import Board
    from tinyperf.session.choose import Content
    from tinyperf.session.fleet import Row
    from tinyperf.session.progress import Progress


@dataclass(frozen=True)
class Plan:
    """`pareto`: no other plan is as good in time, arena and flash, and better in one of them."""

    optimize: Optimize
    row: Row
    pareto: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values, the row's beside the plan's."""
        return {"optimize": self.optimize, "pareto": self.pareto, **asdict(self.row)}


def table(board: Board, wanted: Content, *, progress: Progress = silent) -> list[Plan]:
    """A plan for each thing that may count most. One that cannot be built or run says why.

    Raises: UsageError: no such benchmark or engine, or one without plans. ModelError: the engine does not run it.
    """
    plans = []
    ways = get_args(Optimize)
    for done, way in enumerate(ways):
        progress(f"plans, {way}", done, len(ways))
        (row,) = fleet.table([board], replace(wanted, engine=planned(wanted.engine, way)), jobs=1)
        plans.append(Plan(way, row))
    return judged(plans)


def judged(plans: Sequence[Plan]) -> list[Plan]:
    """With those marked that no other beats; one that does not fit, or has no figures, is none of them."""
    spent = [_spent(plan.row) for plan in plans]
    return [
        replace(plan, pareto=math.inf not in own and not any(_beats(other, own) for other in spent))
        for plan, own in zip(plans, spent, strict=True)
    ]


def _spent(row: Row) -> tuple[float, ...]:
    """Time (instructions where a board's time is not known), arena, flash."""
    time = row.instructions_per_inference if row.latency_ms is None else row.latency_ms
    return tuple(math.inf if x is None or not row.fits else x for x in (time, row.arena_bytes, row.flash_bytes))


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
