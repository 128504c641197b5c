"""What this machine has and lacks for a board: every line says why it matters and which command fixes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.diagnosis import computer, hardware, toolchain
from tinyperf.diagnosis.check import Diagnosis

if TYPE_CHECKING:
    from tinyperf.board import Board


def diagnose(board: Board) -> Diagnosis:
    """Look at this machine with the eyes of one board; nothing is changed, no port is opened."""
    builds = toolchain.build_checks(board)
    emulator = toolchain.emulator(board)
    devices = [*hardware.probe_checks(board), *hardware.port_checks(board)]
    checks = (
        computer.python(),
        *builds,
        emulator,
        *hardware.flash_tools(board),
        *devices,
        *toolchain.tflm(),
        *computer.extras(),
        computer.disk(),
    )
    needed = {"compiler", "PlatformIO"} if board.memory is not None else {"compiler"}
    return Diagnosis(
        board=board.name,
        checks=checks,
        build=all(c.state == "ok" for c in builds if c.name in needed),
        virtual=board.emulator is not None and emulator.state == "ok",
        silicon=any(c.state == "ok" and c.name == "port" for c in devices),
    )
