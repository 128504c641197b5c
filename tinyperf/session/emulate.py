"""The virtual board for any other client: a firmware calibrated, started, and served on a wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.errors import UsageError
from tinyperf.session.profile import calibrated
from tinyperf.virtual.board import open_virtual
from tinyperf.virtual.board.serve import Pty, Tcp, Wire, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.board import Board
    from tinyperf.session.choose import Started


def emulate(
    board: Board,
    start: Started,
    *,
    tcp: str | None,
    fast: bool,
    ready: Callable[[str], None],
    stop: Callable[[], bool],
) -> None:
    """Serve until `stop` or Ctrl-C; see api.emulate."""
    wire: Wire = Pty() if tcp is None else Tcp(*_host_port(tcp))
    try:
        calibration = calibrated(board, start.path, start.model)
        link = open_virtual(board, start.path)
        link.set_cycles_per_instruction(calibration.cpi)
        ready(wire.place())
        serve(link, wire, fast=fast, stop=stop)
    finally:
        wire.close()


def _host_port(text: str) -> tuple[int, str]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"'{text}' is no TCP port", hint="for example --tcp 5000, or --tcp 0.0.0.0:5000")
    return int(port), host or "127.0.0.1"
