"""Loops over elements whose types may differ: where the output may lie."""

from __future__ import annotations

from tinyperf.engines.aot.graph import size_of


def lead(elements: int, given: str, made: str) -> tuple[int]:
    """As `Form.lead` for one pass from the first element to the last: each is read before anything is written on it."""
    grows = size_of(made) - size_of(given)
    if grows == 0:
        return (0,)
    return (max(grows * elements, 1),)
