"""The board as seen through an isolator, a real one or one that is played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.device.isolators import SIMULATED, Choice, isolated
from tinyperf.virtual.isolators.pty_line import PtyLine
from tinyperf.virtual.isolators.relay import simulator

if TYPE_CHECKING:
    from tinyperf.device.link import Link
    from tinyperf.virtual.isolators.interface_board import Wired


def through(choice: Choice | None, link: Link, baud: int, wired: Wired | None = None) -> Link:
    """`link` itself, or the board at `baud` as seen through the isolator that `link` leads to.

    Args: wired: what else leads from a simulated interface board to the board.

    With port=simulated, `link` is the board, and the isolator is played between it and the result.

    Raises: DeviceError: as `isolated`. UsageError: this system cannot play one. `link` is closed then.
    """
    if choice is None:
        return link
    if choice.port != SIMULATED:
        return isolated(choice, link, baud)
    try:
        more = {"wired": wired} if wired else {}
        played = PtyLine(simulator(choice.name)(link, baud, faults=choice.fault, **more), link)
    except BaseException:
        link.close()
        raise
    return isolated(choice, played, baud)
