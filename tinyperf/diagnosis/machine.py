"""What this machine has and lacks for a board: every line says why it matters and which command fixes it."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from tinyperf import folders, tool
from tinyperf.device import ports, probes
from tinyperf.engines.tflm import registered
from tinyperf.errors import BuildError
from tinyperf.firmware import build, flash
from tinyperf.firmware.flash_tools import TOOLS

if TYPE_CHECKING:
    from tinyperf.board import Board

State = Literal["ok", "missing", "note"]
DISK_BYTES = 2_000_000_000
"""A TFLM library, its objects and some dozen images, with room."""
VERSION_S = 10.0

# Module -> extra that brings it, and what it is for.
EXTRAS = {
    "unicorn": ("virtual", "the virtual board"),
    "capstone": ("virtual", "the virtual board's cycle model"),
    "tflite_micro": ("tflm", "evaluation with TFLM itself, and the oracle of the tests"),
    "ai_edge_litert": ("litert", "evaluation with LiteRT"),
    "tensorflow": ("train", "training and quantizing models"),
    "soundfile": ("data", "original audio datasets"),
    "PIL": ("data", "original picture datasets"),
    "matplotlib": ("plot", "plots"),
    "pyjoulescope_driver": ("joulescope", "energy with a Joulescope"),
}

GET_TOOL = {
    "openocd": "sudo apt install openocd",
    "st-flash": "sudo apt install stlink-tools",
    "pyocd": f"{sys.executable} -m pip install pyocd",
    "JLinkExe": "get J-Link from segger.com",
}


@dataclass(frozen=True)
class Check:
    """One line. `state`: ok, missing, or note (absent, and not needed for what was asked). `fix`: a command."""

    name: str
    state: State
    found: str
    why: str
    fix: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All lines, and whether the board asked for can be used: `build` (an image), `virtual`, `silicon`.

    `usable`: it can be built, and run in one of the two ways.
    """

    board: str | None
    checks: tuple[Check, ...]
    build: bool
    virtual: bool
    silicon: bool

    @property
    def usable(self) -> bool:
        return self.build and (self.virtual or self.silicon)

    @property
    def exit_code(self) -> int:
        """0 usable; 3 it cannot be built here; 4 it can be built, but there is nothing to run it on."""
        return 0 if self.usable else 4 if self.build else 3

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        own = {"usable": self.usable, "build": self.build, "virtual": self.virtual, "silicon": self.silicon}
        return {"board": self.board, **own, "checks": [asdict(c) for c in self.checks]}


def diagnose(board: Board) -> Diagnosis:
    """Look at this machine with the eyes of one board; nothing is changed, no port is opened."""
    builds = _build_checks(board)
    emulator = _emulator(board)
    hardware = [*_probe_checks(board), *_port_checks(board)]
    checks = (_python(), *builds, emulator, *_flash_tools(board), *hardware, *_tflm(), *_extras(), _disk())
    needed = {"compiler", "PlatformIO"} if board.memory is not None else {"compiler"}
    return Diagnosis(
        board=board.name,
        checks=checks,
        build=all(c.state == "ok" for c in builds if c.name in needed),
        virtual=board.emulator is not None and emulator.state == "ok",
        silicon=any(c.state == "ok" and c.name == "port" for c in hardware),
    )


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", "ok", f"{version} ({sys.executable})", "tinyperf runs on 3.11 and newer")


def _build_checks(board: Board) -> list[Check]:
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


def _emulator(board: Board) -> Check:
    """What plays the board without hardware."""
    if board.emulator is None:
        return Check("emulator", "note", "this board has none", "runs the firmware without a board")
    if board.emulator.engine == "process":
        return Check("emulator", "ok", "none needed: a process", "runs the firmware without a board")
    if board.emulator.engine == "qemu":
        why = f"plays {board.name}"
        if not tool.installed("qemu-system-arm"):
            return Check("emulator", "missing", "no qemu-system-arm", why, "sudo apt install qemu-system-arm")
        return Check("emulator", "ok", _version("qemu-system-arm"), why)
    if find_spec("unicorn") is None:
        return Check("emulator", "missing", "no unicorn", "the virtual board", _pip("virtual"))
    return Check("emulator", "ok", f"unicorn {importlib.metadata.version('unicorn')}", "the virtual board")


def _flash_tools(board: Board) -> list[Check]:
    fitting = [t for t in TOOLS if t.fits(board) and t.name != "pio"]
    there = [t for t in fitting if tool.installed(t.program)]
    found = [Check(f"flash tool {t.name}", "ok", _version(t.program), "puts the image on the board") for t in there]
    absent = [t.program for t in fitting if t not in there]
    if absent:
        fix = "; ".join(GET_TOOL[program] for program in absent)
        state: State = "note" if there else "missing"
        found.append(Check("flash tools", state, f"not installed: {', '.join(absent)}", "one is enough", fix))
    return found


def _probe_checks(board: Board) -> list[Check]:
    """Every debug probe; and one line for the board's own where it is absent."""
    kinds = flash.wanted_kinds(board)
    if not kinds:
        return []
    checks = []
    for probe in probes.find():
        found = f"{probe.kind} {probe.serial or 'without serial number'} (USB {probe.usb}) {probe.title}".rstrip()
        if not probe.usable:
            checks.append(Check("probe", "missing", f"{found}: no permission", "flashing", probes.udev_command(probe)))
        else:
            checks.append(Check("probe", "ok" if probe.kind in kinds else "note", found, "flashing"))
    if not any(c.state == "ok" for c in checks):
        seen = f"no {kinds[0]} found ({flash.usb_names(board)})"
        checks.append(Check("probe", "missing", seen, "flashing", "connect the board's debug port with a data cable"))
    return checks


def _port_checks(board: Board) -> list[Check]:
    """Every serial port on USB; and one line for the board's own where it is absent."""
    if not board.serial.usb:
        return []
    checks = []
    for port in ports.listed():
        if not port.usb:
            continue
        own = port.usb in board.serial.usb
        found = f"{port.device} (USB {port.usb}) {port.title}"
        if not port.usable:
            fix = "sudo usermod -aG dialout $USER, then log in again"
            checks.append(Check("port", "missing" if own else "note", f"{found}: no permission", "measuring", fix))
        else:
            checks.append(Check("port" if own else "other port", "ok", found, "measuring"))
    if not any(c.name == "port" for c in checks):
        seen = f"no serial port of {board.name} ({flash.usb_names(board)})"
        checks.append(Check("port", "missing", seen, "measuring", "connect the board; or --port URL, or --virtual"))
    return checks


def _tflm() -> list[Check]:
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


def _extras() -> list[Check]:
    checks = []
    for module, (extra, purpose) in EXTRAS.items():
        if find_spec(module) is not None:
            checks.append(Check(f"extra {extra}", "ok", module, purpose))
        else:
            checks.append(Check(f"extra {extra}", "note", f"no {module}", purpose, _pip(extra)))
    return checks


def _disk() -> Check:
    folder = folders.cache()
    place = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(place).free
    why = f"images and library objects are kept in {folder}"
    state: State = "ok" if free >= DISK_BYTES else "missing"
    fix = "" if state == "ok" else "make room, or set TINYPERF_CACHE to a folder with room"
    return Check("disk", state, f"{free / 1e9:.1f} GB free", why, fix)


def _pip(extra: str) -> str:
    return f"{sys.executable} -m pip install 'tinyperf[{extra}]'"


def _version(program: str) -> str:
    """First line of `--version`; the bare name where it has none."""
    outcome = tool.run(tool.Step((program, "--version"), VERSION_S))
    return next((line.strip() for line in outcome.output.splitlines() if line.strip()), program)
