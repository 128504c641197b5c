"""--tune: the engine with the kernels that measuring has found for one model on one board."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from tinyperf import api
from tinyperf.cli import _progress

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.session.tune import Tuned

OPTION = click.option(
    "--tune", is_flag=True, help="Engine aot: measure candidates on the virtual board, and take the best kernels."
)


def tuned(board: str, benchmark: str | None, **content: Any) -> Tuned:
    """What it gained is told on stderr. Args: content: `model`, `engine`, `energy`, `clock`."""
    model: Path | None = content.pop("model")
    with _progress.shown() as progress:
        found = api.tune(board, benchmark, model=model, **content, progress=progress)
    print(f"note: {said(found)}", file=sys.stderr)
    return found


def said(found: Tuned) -> str:
    how = "kept from before" if found.kept else f"{found.built} images measured for {found.plans:.2g} plans"
    if found.tuned_cycles == found.chosen_cycles:
        return f"tuning: nothing is faster than what the engine chooses, {found.chosen_cycles:,} cycles ({how})"
    return (
        f"tuning: {found.tuned_cycles:,} cycles instead of {found.chosen_cycles:,}, {found.gain_percent:.1f} % fewer"
        f" ({how}); --engine {found.engine}"
    )
