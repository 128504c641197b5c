"""What plays an instrument: one file each with `stand_in(bench, faults)`; the folder is the registry."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf.errors import UsageError
from tinyperf.virtual.bench import SyntheticBench

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.virtual.bench import Bench


def names() -> list[str]:
    """The instruments that can be played."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))


def played_on(bench: Bench | None = None) -> Callable[[str, str], object]:
    """From an instrument's name and faults to what its driver talks to: it is played on `bench`, or a made-up target.

    Raises: UsageError (the function): nobody plays it, it has no such fault, this system has no pseudo terminals.
    """

    def play(name: str, faults: str) -> object:
        if name not in names():
            raise UsageError(f"monitor '{name}' has no simulator", hint=f"these have one: {', '.join(names())}")
        module = importlib.import_module(f"{__name__}.{name}")
        stand_in: object = module.stand_in(bench or SyntheticBench(), faults)
        return stand_in

    return play
