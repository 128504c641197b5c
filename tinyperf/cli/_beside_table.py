"""Firmwares side by side, as a table or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tinyperf.cli._columns import Column, print_columns
from tinyperf.figures import error, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.session.beside import Beside, Side


def show(found: Beside, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
        return
    print_columns([_totals(found.sides)])
    if found.operators:
        print()
        print_columns([_operators(found)])
    for side in found.sides:
        if side.profile is None:
            print(f"{side.name}: {side.reason}; {side.hint}")
    first = found.sides[0].profile
    if first and first.estimated:
        at = f"{first.board} at {first.clock_hz / 1e6:g} MHz"
        print(f"{at}; estimates, {error(first.error_percent)} of silicon's; x: times the first one's")


def _totals(sides: Sequence[Side]) -> list[Column]:
    profiles = [side.profile for side in sides]
    cycles = [None if one is None else one.cycles_per_inference for one in profiles]
    return [
        Column("firmware", [side.name for side in sides], left=True),
        Column("ms", ["-" if p is None or p.latency_ms is None else figure(p.latency_ms) for p in profiles]),
        Column("x", _times(cycles)),
        Column("cycles", [_whole(one) for one in cycles]),
        Column("instructions", [_whole(p.instructions_per_inference if p else None) for p in profiles]),
        Column("arena B", [_whole(p.arena_bytes if p else None) for p in profiles]),
        Column("RAM B", [_whole(p.ram_bytes if p else None) for p in profiles]),
        Column("flash B", [_whole(p.flash_bytes if p else None) for p in profiles]),
    ]


def _operators(found: Beside) -> list[Column]:
    each = found.operators
    columns = [
        Column("#", [str(one.index) for one in each]),
        Column("operator", [one.op for one in each], left=True),
        Column("MACs", [f"{one.macs:,}" for one in each]),
    ]
    for k, side in enumerate(found.sides):
        if any(one.cycles[k] is not None for one in each):
            columns.append(Column(side.name, [_whole(one.cycles[k]) for one in each]))
            if k:
                columns.append(Column("x", [_times((one.cycles[0], one.cycles[k]))[1] for one in each]))
    return columns


def _times(cycles: Sequence[int | None]) -> list[str]:
    first = cycles[0]
    return ["-" if not first or one is None else f"{one / first:.2f}" for one in cycles]


def _whole(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
