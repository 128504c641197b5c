"""Opens the link to a board: a serial port, the virtual board, or the firmware as a process of this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.device import ports
from tinyperf.device.link import Link, SerialLink, require_present
from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tinyperf.board import Board


def is_process(board: Board) -> bool:
    """The board is this computer: its firmware runs as a process, with or without --virtual."""
    return board.emulator is not None and board.emulator.engine == "process"


def open_image(board: Board, image: Path, *, cycles_per_instruction: float | None = None) -> Link:
    """The virtual board (or the process) that runs `image`.

    `cycles_per_instruction`: what the cycle model found; without it a virtual board counts one for each, and its times
    mean nothing.

    Raises: UsageError: there is no virtual one of this board. DeviceError: the image cannot be started.
    """
    if is_process(board):
        from tinyperf.device.process import ProcessLink

        return ProcessLink(image)
    if board.emulator is None:
        raise UsageError(
            f"there is no virtual {board.name}",
            means="its board file has no 'emulator' field",
            hint="give --port for the real one; 'tinyperf boards' lists the boards",
        )
    if board.emulator.engine == "qemu":
        from tinyperf.virtual.board.qemu import QemuLink

        return QemuLink(board, image)
    from tinyperf.virtual.board import open_virtual

    link = open_virtual(board, image)
    if cycles_per_instruction is not None:
        link.set_cycles_per_instruction(cycles_per_instruction)
    return link


def require_player(board: Board) -> None:
    """What plays the virtual board is there; said before anything is built for it.

    Raises: MissingExtraError: the extra 'virtual' is not installed. DeviceError: QEMU is not.
    """
    engine = board.emulator.engine if board.emulator else ""
    if engine == "unicorn":
        from tinyperf.virtual.board.emulator import unicorn_module

        unicorn_module()
    elif engine == "qemu":
        from tinyperf.virtual.board.qemu import program

        program(board)


def debug_port(link: Link) -> Callable[[int, bytes], None] | None:
    """What writes into the memory of a virtual board; None where the link has no such thing."""
    store: Callable[[int, bytes], None] | None = getattr(link, "store", None)
    return store


def port_of(board: Board, port: str | None) -> str:
    """`port`, or the one port of this computer that looks like the board.

    Raises: DeviceError: it is not there, or none does. UsageError: several do.
    """
    if port:
        require_present(port)
    return port or ports.only(board.serial.usb, board.name, ports.listed())


def open_port(url: str, baud: int) -> Link:
    """A serial port or pyserial URL; DeviceError and UsageError as SerialLink."""
    return SerialLink(url, baud)
