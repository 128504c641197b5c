"""What builds the firmware of a board: compilers, PlatformIO, libraries; and what plays the board."""

from __future__ import annotations

import importlib.metadata
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tinyperf import tool
from tinyperf.diagnosis.check import Check, pip, version
from tinyperf.engines.tflm import registered
from tinyperf.errors import BuildError
from tinyperf.firmware import build

if TYPE_CHECKING:
    from tinyperf.board import Board


def build_checks(board: Board) -> list[Check]:
    """The compiler this board is built with, by the same search as the build itself."""
    why = f"builds the firmware of {board.name}"
    try:
        toolset = build.find_toolset(board)
        compiler = Check("compiler", "ok", f"{toolset.compiler or 'packages of PlatformIO'} ({toolset.form})", why)
    except BuildError as exc:
        compiler = Check("compiler", "missing", exc.seen, why, exc.hint)
    if board.memory is None:
        return [compiler]
    return [compiler, _platformio(), *_platform(board)]


def _platformio() -> Check:
    why = "compiles and links every project but that of board 'host'"
    if find_spec("platformio") is None or find_spec("SCons") is None:
        return Check("PlatformIO", "missing", "not installed", why, f"{sys.executable} -m pip install platformio scons")
    found = f"{importlib.metadata.version('platformio')}, SCons {importlib.metadata.version('scons')}"
    return Check("PlatformIO", "ok", found, why)


def _platform(board: Board) -> list[Check]:
    """The other way to a compiler; nothing where it is the only one, since the line 'compiler' tells of it then."""
    if board.platformio is None or board.platformio.framework is not None:
        return []
    folder = build.platform_folder(board.platformio)
    why = f"its own compiler and uploaders, in place of {build.CROSS_COMPILER} on PATH"
    if folder.is_dir():
        return [Check("PlatformIO platform", "ok", str(folder), why)]
    fix = f"{sys.executable} -m platformio pkg install --global --platform {board.platformio.platform}"
    return [Check("PlatformIO platform", "note", f"{board.platformio.platform} is not installed", why, fix)]


def emulator(board: Board) -> Check:
    """What plays the board without hardware."""
    if board.emulator is None:
        return Check("emulator", "note", "this board has none", "runs the firmware without a board")
    if board.emulator.engine == "process":
        return Check("emulator", "ok", "none needed: a process", "runs the firmware without a board")
    if board.emulator.engine == "qemu":
        why = f"plays {board.name}"
        if not tool.installed("qemu-system-arm"):
            return Check("emulator", "missing", "no qemu-system-arm", why, "sudo apt install qemu-system-arm")
        return Check("emulator", "ok", version("qemu-system-arm"), why)
    if find_spec("unicorn") is None:
        return Check("emulator", "missing", "no unicorn", "the virtual board", pip("virtual"))
    return Check("emulator", "ok", f"unicorn {importlib.metadata.version('unicorn')}", "the virtual board")


def tflm() -> list[Check]:
    trees = registered.registered()
    checks = [
        Check(f"TFLM {t.kernels}", "ok", f"{t.form} {t.version} ({t.path})", "engine 'tflm' is built with it")
        for t in trees
    ]
    absent = [k for k in ("cmsis_nn", "reference") if k not in {t.kernels for t in trees}]
    return checks + [
        Check(
            f"TFLM {kernels}",
            "note",
            "not registered" + ("; fetched by git where there is a network" if kernels == "cmsis_nn" else ""),
            f"engine 'tflm' with {kernels} kernels; 'aot' needs none",
            "tinyperf tflm use PATH",
        )
        for kernels in absent
    ]
