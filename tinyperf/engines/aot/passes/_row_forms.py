"""The forms of works that are done row by row, and where the rows between them lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import by_name
from tinyperf.engines.aot.layouts import NHWC
from tinyperf.engines.aot.plan import ALIGNMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tinyperf.engines.aot.graph import Bounds, Work
    from tinyperf.engines.aot.kernels import Costs
    from tinyperf.engines.aot.rows import ByRows

    Fitting = Callable[[Work, Bounds | None], list[Form]]

KERNEL = "by_rows"

COSTS: Costs = {"call": 60.0, "byte": 0.8}
"""Cycles of a row's call, and of a byte that is moved so that the rows of an image stay together."""


def forms(work: ByRows, fitting: Fitting) -> list[Form]:
    """For each amount of scratch the cheapest kernels that do with it; none where some work has no kernel for a row.

    Args: fitting: the forms of a work, the cheapest first.
    """
    choices = [
        [form for form in fitting(stage.row, stage.bounds) if by_name()[form.kernel].by_rows and _plain(form)]
        for stage in work.stages
    ]
    made: list[Form] = []
    for limit in sorted({form.scratch_bytes for choice in choices for form in choice}):
        fit = [next((form for form in choice if form.scratch_bytes <= limit), None) for choice in choices]
        rows = tuple(form for form in fit if form is not None)
        if len(rows) == len(choices) and (not made or rows != made[-1].rows):
            made.append(_form(work, rows))
    return made


def _plain(form: Form) -> bool:
    return {*form.inputs, *form.outputs} <= {NHWC}


def _form(work: ByRows, rows: tuple[Form, ...]) -> Form:
    counts, scratch_bytes = work.rows_made, max(form.scratch_bytes for form in rows)
    cycles = sum(count * (form.cycles + COSTS["call"]) for count, form in zip(counts, rows, strict=True))
    return Form(
        cycles + COSTS["byte"] * _moved_bytes(work),
        scratch_bytes=bands_bytes(work) + scratch_bytes,
        lead=work.leads(rows[-1]),
        block=scratch_bytes,
        kernel=KERNEL,
        rows=rows,
        why=_why(work),
    )


def _moved_bytes(work: ByRows) -> int:
    total, before = 0, None
    for step in work.steps():
        if before is not None:
            pairs = zip(work.inner, before.first, before.end, step.first, strict=True)
            total += sum(max(end - new, 0) * stage.made.row_bytes for stage, old, end, new in pairs if new > old)
        before = step
    return total


def bands(work: ByRows) -> Iterator[tuple[int, int]]:
    """Of what each inner stage makes: where in scratch its rows start, and where they end."""
    start = 0
    for stage, room in zip(work.inner, work.rooms, strict=True):
        end = start + room * stage.made.row_bytes
        yield start, end
        start = -(-end // ALIGNMENT) * ALIGNMENT


def bands_bytes(work: ByRows) -> int:
    """From where on the kernels have their scratch."""
    *_, (_, end) = bands(work)
    return -(-end // ALIGNMENT) * ALIGNMENT


def _why(work: ByRows) -> str:
    kept = (
        f"{room} of {stage.made.height} rows of {stage.made.row_bytes} bytes"
        for stage, room in zip(work.inner, work.rooms, strict=True)
    )
    return f"row by row, for less RAM: between them are {' and '.join(kept)}"
