"""The instrument `virtual` reads the bench itself: nothing is played, and it has no faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from tinyperf.virtual.bench import Bench


def stand_in(bench: Bench, faults: str) -> Bench:
    """Raises: UsageError: faults are asked for."""
    if faults:
        raise UsageError(f"monitor 'virtual' has no fault '{faults}'", hint="leave fault= out")
    return bench
