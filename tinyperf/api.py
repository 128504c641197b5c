"""Every verb as one typed function; notebooks, tests and the command line call these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf import board as _board
from tinyperf import content

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.rules.replay import Replay


def boards() -> list[_board.Board]:
    """All shipped boards, by name."""
    return [_board.read(path) for path in content.names("boards", ".yaml").values()]


def energy_replay(folder: Path) -> Replay:
    """A recorded energy session (EnergyRunner, MLCommons runner or our own) computed again and judged.

    Raises: ContentError: no energy session in `folder`, or one damaged beyond judging.
    """
    from tinyperf.rules import replay

    return replay.replay(folder)
