"""The virtual board for any other client: a firmware calibrated, started, and served on a wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.errors import UsageError
from tinyperf.session.profile import calibrated
from tinyperf.virtual.board import open_virtual
from tinyperf.virtual.board.serve import Pty, Tcp, Wire, serve
from tinyperf.virtual.isolators.interface_board import RelayedLink, Wired, simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tinyperf.board import Board
    from tinyperf.session.choose import Started
    from tinyperf.virtual.board.link import VirtualLink


def emulate(
    board: Board,
    start: Started,
    *,
    tcp: str | None,
    fast: bool,
    card: Path | None,
    ready: Callable[[str], None],
    stop: Callable[[], bool],
) -> None:
    """Serve until `stop` or Ctrl-C; see api.emulate."""
    wire: Wire = Pty() if tcp is None else Tcp(*_host_port(tcp))
    try:
        calibration = calibrated(board, start.path, start.model)
        link = open_virtual(board, start.path)
        link.set_cycles_per_instruction(calibration.cpi)
        served = behind_interface_board(board, link, card) if card else link
        ready(wire.place())
        serve(served, wire, fast=fast, stop=stop)
    finally:
        wire.close()


def behind_interface_board(board: Board, link: VirtualLink, card: Path) -> RelayedLink:
    """The board with a played interface board in front of it.

    Raises: UsageError: nothing leads from an interface board to this one, or the card is no folder.
    """
    if board.sound is None:
        raise UsageError(
            f"{board.name} has no I2S for an interface board to play to",
            means="its file names no 'sound'",
            hint="leave --card out: the board itself takes sound over its serial line (docs/wakeword.md)",
        )
    if not card.is_dir():
        raise UsageError(f"{card} is no folder", hint="--card names the folder of the .wav files")
    wired = Wired(link, board.sound.detected_pin, board.sound.processing_pin, card)
    return RelayedLink(simulate(link, board.serial.baud, wired=wired), link)


def _host_port(text: str) -> tuple[int, str]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"'{text}' is no TCP port", hint="for example --tcp 5000, or --tcp 0.0.0.0:5000")
    return int(port), host or "127.0.0.1"
