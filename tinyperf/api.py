"""Every verb as one typed function; notebooks, tests and the command line call these."""

from __future__ import annotations

from tinyperf import board as _board
from tinyperf import content


def boards() -> list[_board.Board]:
    """All shipped boards, by name."""
    return [_board.read(path) for path in content.names("boards", ".yaml").values()]
