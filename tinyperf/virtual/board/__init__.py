"""The virtual board: runs the exact image that was built for a board, in virtual time, deterministic to the cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.errors import UsageError
from tinyperf.virtual.board import image as images
from tinyperf.virtual.board.calibrate import Calibration, calibrate

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.board import Board
    from tinyperf.virtual.board.link import VirtualLink

__all__ = ["Calibration", "calibrate", "open_virtual"]


def open_virtual(board: Board, image: Path) -> VirtualLink:
    """Power up `board` with `image` (.elf, .hex or .bin) in its flash.

    Raises: UsageError: the board has no virtual form, or the image cannot be used. MissingExtraError: unicorn is
    absent.
    """
    from tinyperf.virtual.board.link import VirtualLink

    if board.emulator is None or board.emulator.engine != "unicorn" or not board.memory:
        raise UsageError(
            f"board {board.name} has no virtual form", hint="'tinyperf boards' lists the boards; try nucleo-l4r5zi"
        )
    found = images.load(image, board.memory.flash)
    return VirtualLink(board.chip, found, wires=board.wires, timestamp_pin=board.timestamp_pin)
