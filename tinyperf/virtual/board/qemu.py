"""A firmware under QEMU, where that is installed: a second emulator beside ours, for outputs and instruction counts.

QEMU's standard input and output are the serial port: no socket, so none of Nagle's 40 ms waits; no port, so none to
find. The guest's clock is this computer's: what it times is QEMU, never a board.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf.device.process import ProcessLink
from tinyperf.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from tinyperf.board import Board
    from tinyperf.device.link import Transport

PROGRAM = "qemu-system-arm"


INSTRUCTION_SHIFT = 9
INSTRUCTION_US = 2**INSTRUCTION_SHIFT / 1000
"""What each instruction takes on the guest's clock where QEMU counts them."""


def arguments(machine: str, image: Path, *, plugin: str | None = None, counting: bool = False) -> tuple[str, ...]:
    """QEMU's arguments: no screen, no monitor, the serial port on standard input and output. Pure.

    Args: plugin: a TCG plugin with its options, as QEMU's -plugin takes it. counting: the guest's clock counts
        instructions, `INSTRUCTION_US` each, in place of following this computer's.
    """
    extra: tuple[str, ...] = ("-plugin", plugin) if plugin else ()
    extra += ("-icount", f"shift={INSTRUCTION_SHIFT}") if counting else ()
    return (
        *("-machine", machine, "-kernel", str(image), "-display", "none", "-monitor", "none"),
        *("-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial"),
        *extra,
    )


def program(board: Board) -> Path:
    """QEMU.

    Raises: DeviceError: it is not installed.
    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise DeviceError(
            f"{PROGRAM} is not installed",
            means=f"the virtual {board.name} is played by QEMU",
            hint="on Debian: sudo apt install qemu-system-arm; or use nucleo-l4r5zi, whose emulator is built in",
        )
    return Path(found)


class QemuLink(ProcessLink):
    """A `Link` to a firmware that QEMU runs.

    Raises: DeviceError: QEMU is not installed, or has ended. UsageError: the board names no machine of QEMU.
    """

    transport: Transport = "virtual"

    def __init__(self, board: Board, image: Path, *, plugin: str | None = None, counting: bool = False) -> None:
        if board.emulator is None or board.emulator.machine is None:
            raise UsageError(
                f"board '{board.name}' names no machine of QEMU", hint="add emulator.machine to the board file"
            )
        super().__init__(program(board), arguments(board.emulator.machine, image, plugin=plugin, counting=counting))

    def stop(self) -> None:
        """End QEMU at once and in order, so that a plugin writes what it counted."""
        self._process.terminate()
        self.close()
