"""Put an image on a board and prove that it runs there.

The probe is looked for before any tool is started, the tool is chosen by what is installed and fits, and success is
neither a tool's exit status nor its words: the build id read back over the serial port decides, for every tool alike.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyperf import folders
from tinyperf import tool as runner
from tinyperf.device import ports, probes
from tinyperf.device.dut import Dut
from tinyperf.errors import DeviceError, UsageError
from tinyperf.firmware.flash_tools import TOOLS, Job, Tool, failure
from tinyperf.virtual import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyperf.board import Board
    from tinyperf.device.link import Link
    from tinyperf.device.ports import Port
    from tinyperf.device.probes import Probe
    from tinyperf.firmware.build import Image
    from tinyperf.tool import Outcome, Step

LOG = "flash.log"
DRIVE_SETTLE_S = 8.0
"""An ST-LINK drive unmounts and mounts again within about 5 s after a copy; FAIL.TXT is on it then."""


@dataclass(frozen=True)
class Files:
    """What is flashed: the same image as .elf and as .bin, its build id, and the project it was built in."""

    elf: Path
    binary: Path
    build_id: str
    project: Path


@dataclass(frozen=True)
class Flashed:
    """Proof: the build id was read back from the running firmware. `probe` and `port` are None on a virtual board."""

    board: str
    tool: str
    probe: str | None
    port: str | None
    build_id: str
    bytes: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True)
class Writer:
    """What puts the image on the board: a flash tool, a drive, or nothing where the virtual board boots it itself."""

    name: str
    write: Callable[[], None]
    probe: str | None = None


def usb_names(board: Board) -> str:
    """How a message names the probe looked for: `no ST-LINK found (USB 0483:374b)` is built from it."""
    return ", ".join(f"USB {usb}" for usb in board.serial.usb) or "any USB id"


def wanted_kinds(board: Board) -> list[str]:
    """Kinds of probe that some tool could flash this board with; the board's own first."""
    own = [probes.kind_of(*usb.split(":")) for usb in board.serial.usb]
    fitting = {kind for tool in TOOLS if tool.fits(board) for kind in tool.probes}
    return [*dict.fromkeys(kind for kind in own if kind), *sorted(fitting - set(own))]


def choose_probe(board: Board, found: Sequence[Probe], serial: str | None = None) -> Probe:
    """The one probe to use.

    Raises: DeviceError: none, or not to be opened. UsageError: several and none named, or none with that number.
    """
    kinds = wanted_kinds(board)
    fitting = [p for p in found if p.kind in kinds]
    own = [p for p in fitting if p.usb in board.serial.usb]
    if serial is not None:
        fitting = [p for p in fitting if p.serial == serial]
        if not fitting:
            raise DeviceError(
                f"no debug probe with serial number {serial} found; connected: {_serials(found) or 'none'}",
                means="the number is misspelt, or that probe is not connected",
                hint=f"'tinyperf doctor --board {board.name}' lists the probes",
            )
    elif own:
        fitting = own
    if not fitting:
        raise DeviceError(
            f"no {kinds[0] if kinds else 'debug probe'} found ({usb_names(board)})",
            means="the board is not connected, or its cable carries no data",
            hint=f"connect its debug USB port; 'tinyperf doctor --board {board.name}' shows what is seen; "
            "without a board add --virtual",
        )
    if len(fitting) > 1:
        raise UsageError(
            f"{len(fitting)} debug probes fit {board.name}: {_serials(fitting)}",
            means="flashing the wrong board would be worse than asking",
            hint=f"choose one with --probe SERIAL, for example --probe {fitting[0].serial}",
        )
    probe = fitting[0]
    if not probe.usable:
        raise DeviceError(
            f"the {probe.kind} (USB {probe.usb}, serial {probe.serial}) may not be opened: no write permission on "
            f"{probe.node}",
            means="there is no udev rule for it on this machine",
            hint=probes.udev_command(probe),
        )
    return probe


def _serials(found: Sequence[Probe]) -> str:
    return ", ".join(f"{p.serial} ({p.kind} {p.usb})" for p in found)


def choose_tool(
    board: Board, probe: Probe, *, name: str | None = None, installed: Callable[[str], bool] | None = None
) -> Tool:
    """The first tool of TOOLS that fits board and probe and is installed, or the one named.

    Raises: DeviceError: none that fits is installed.
    """
    fitting = [t for t in TOOLS if t.fits(board) and probe.kind in t.probes and name in {None, t.name}]
    for tool in fitting:
        if (installed or _ready)(tool.program):
            return tool
    if not fitting:
        raise DeviceError(
            f"no flash tool fits {board.name} and its {probe.kind}"
            if name is None
            else f"{name} cannot flash {board.name}",
            means="the board file names no target for such a tool",
            hint="add openocd_target, stlink_address, pyocd_target or jlink_device to the board file's 'flash'",
        )
    raise DeviceError(
        f"none of the flash tools for {board.name} is installed: {', '.join(t.program for t in fitting)}",
        means="tinyperf starts the maker's or the community's tool; it brings none of its own",
        hint=f"on Debian: sudo apt install openocd (or stlink-tools); anywhere: pip install pyocd; "
        f"without any tool: --tool drive{' ' + board.flash.drive_label if board.flash.drive_label else ''}",
    )


def _ready(program: str) -> bool:
    """Installed; and PlatformIO's upload also has the package it would otherwise wait a minute for."""
    return runner.installed(program) and (
        program != "pio" or (folders.platformio() / "packages" / "tool-openocd").is_dir()
    )


def port_of(board: Board, probe: Probe | None, known: Sequence[Port], given: str | None = None) -> str:
    """The serial port the firmware speaks on: the given one, the probe's own, or the only one with the board's ids.

    Raises: DeviceError: no such port. UsageError: several.
    """
    if given is not None:
        return given
    if probe is not None and probe.ports and probe.kind not in probes.BOOTLOADERS:
        return probe.ports[0]
    return ports.only(board.serial.usb, board.name, known)


def prove(link: Link, build_id: str, *, where: str, tool: str) -> None:
    """The firmware that answers on `link` is the image with this build id.

    Raises: DeviceError: nobody answers, foreign firmware, or another image.
    """
    answer = Dut(link, where=where).connect()
    if answer.build_id == build_id:
        return
    running = f"build {answer.build_id}" if answer.build_id else f"other firmware (vendor '{answer.vendor}')"
    raise DeviceError(
        f"{where} runs {running} after {tool} had reported success; expected build {build_id}",
        means="nothing was written, another board was flashed, or the port belongs to another board",
        hint="choose the board with --probe and the port with --port; another tool can be forced with --tool",
    )


def tool_writer(
    board: Board,
    files: Files,
    tool: Tool,
    probe: Probe,
    *,
    log: Path | None = None,
    run: Callable[[Step, Path | None], Outcome] | None = None,
) -> Writer:
    """A writer that runs one flash tool; it raises DeviceError with the tool's last lines where the tool fails."""
    job = Job(
        board=board,
        elf=files.elf,
        binary=files.binary,
        project=files.project,
        script=files.project / tool.script_name,
        serial=probe.serial or None if tool.selects else None,
        probe=probe.kind,
        port=next(iter(probe.ports), None),
    )

    def write() -> None:
        if tool.script is not None:
            job.script.write_text(tool.script(job), encoding="utf-8")
        step = tool.step(job)
        outcome = run(step, log) if run is not None else runner.run(step, log=log)
        problem = failure(tool, outcome, board=board.name, usb=usb_names(board))
        if problem is not None:
            raise problem

    return Writer(tool.name, write, probe.serial or None)


def flash(board: Board, files: Files, writer: Writer, *, port: str | None, open_link: Callable[[], Link]) -> Flashed:
    """Write the image, open the port, read the build id back: the same for every tool and for the virtual board.

    Args: port: its name, for messages and the result; None on a virtual board, whose link `open_link` boots.
    Raises: DeviceError: the tool failed, or the board does not run this image afterwards.
    """
    started = time.monotonic()
    writer.write()
    link = open_link()
    try:
        prove(link, files.build_id, where=port or f"the virtual {board.name}", tool=writer.name)
    finally:
        link.close()
    return Flashed(
        board=board.name,
        tool=writer.name,
        probe=writer.probe,
        port=port,
        build_id=files.build_id,
        bytes=files.binary.stat().st_size,
        seconds=time.monotonic() - started,
    )


@dataclass(frozen=True)
class FlashPlace:
    """Where a real board was found: how to write to it (`tool`, `probe`, or a drive) and its serial port."""

    port: str
    tool: Tool | None = None
    probe: Probe | None = None
    volume: Path | None = None

    def writer(self, board: Board, files: Files) -> Writer:
        """What puts `files` on this board."""
        if self.tool is not None and self.probe is not None:
            return tool_writer(board, files, self.tool, self.probe, log=files.project / LOG)
        if board.flash.uf2_family is not None:
            files = replace(files, binary=files.binary.with_suffix(".uf2"))
        return drive_writer(files, self.volume or Path())


def find_place(board: Board, *, probe: str | None, port: str | None, tool: str | None) -> FlashPlace:
    """Look for the board before anything is built or started.

    Raises: DeviceError, UsageError: as `choose_probe`, `choose_tool` and `port_of`; no such tool; no drive of this
        board; a board that has no real form.
    """
    if board.memory is None:
        raise _this_computer(board)
    tools = [*dict.fromkeys(t.name for t in TOOLS), "drive"]
    if tool is not None and tool not in tools:
        raise UsageError(f"unknown flash tool '{tool}'", hint=f"choose one of {', '.join(tools)}")
    if tool != "drive" and not wanted_kinds(board):
        raise UsageError(
            f"there is nothing to flash board '{board.name}' with",
            means="its board file names neither a flash tool's target nor the USB id of a probe",
            hint="add --virtual" if board.emulator else "fill in the board file's 'flash' and 'serial'",
        )
    known = ports.listed()
    if tool == "drive":
        volumes = drives(board)
        if len(volumes) != 1:
            raise DeviceError(
                f"{len(volumes) or 'no'} drive{'' if len(volumes) == 1 else 's'} of {board.name} mounted"
                + (f" (label {board.flash.drive_label})" if board.flash.drive_label else ""),
                means="the board is not connected, or its drive is not mounted",
                hint="mount exactly one, or use openocd or st-flash",
            )
        return FlashPlace(port_of(board, None, known, port), volume=volumes[0])
    found = choose_probe(board, probes.find(), probe)
    return FlashPlace(port_of(board, found, known, port), choose_tool(board, found, name=tool), found)


def _this_computer(board: Board) -> UsageError:
    return UsageError(
        f"board '{board.name}' is this computer: there is nothing to flash",
        hint=f"'tinyperf run --board {board.name}' starts the firmware as a process",
    )


def flash_image(board: Board, image: Image, place: FlashPlace | None, *, baud: int) -> Flashed:
    """Put a built image on the board found, or (place None) on the virtual board.

    Raises: DeviceError: as `flash`. UsageError: an image for this computer is not flashed.
    """
    if image.bin is None:
        raise _this_computer(board)
    files = Files(image.path, image.bin, image.build_id, image.folder)
    if place is None:
        virtual = Writer("virtual", lambda: None)
        return flash(board, files, virtual, port=None, open_link=lambda: connect.open_image(board, files.elf))
    return flash(
        board,
        files,
        place.writer(board, files),
        port=place.port,
        open_link=lambda: connect.open_port(place.port, baud),
    )


def drives(board: Board, *, roots: Sequence[Path] | None = None) -> list[Path]:
    """Mounted volumes of the board's own drive: by its label, or by the pages that every such drive carries."""
    places = _mount_roots() if roots is None else roots
    volumes = [v for root in places if root.is_dir() for v in sorted(root.iterdir()) if v.is_dir()]
    labelled = [v for v in volumes if board.flash.drive_label is not None and v.name == board.flash.drive_label]
    pages = [v for v in volumes if any((v / name).is_file() for name in ("MBED.HTM", "DETAILS.TXT"))]
    return labelled or pages


def _mount_roots() -> list[Path]:
    if sys.platform == "darwin":
        return [Path("/Volumes")]
    user = os.environ.get("USER", "")
    return [Path("/media") / user, Path("/run/media") / user, Path("/media"), Path("/mnt")]


def drive_writer(files: Files, volume: Path, *, settle_s: float = DRIVE_SETTLE_S) -> Writer:
    """A writer that copies the .bin and waits for FAIL.TXT; its absence is no success, the build id is."""

    def write() -> None:
        try:
            with files.binary.open("rb") as source, (volume / files.binary.name).open("wb") as target:
                shutil.copyfileobj(source, target)
                target.flush()
                os.fsync(target.fileno())
        except OSError as exc:
            raise DeviceError(
                f"the image could not be copied to {volume}: {exc.strerror}",
                means="the drive is read-only, full, or was removed",
                hint="plug the board in again, or use openocd or st-flash",
            ) from exc
        report = volume / "FAIL.TXT"
        deadline = time.monotonic() + settle_s
        while time.monotonic() < deadline:
            if report.is_file():
                raise DeviceError(
                    f"the drive {volume.name} refused the image: {report.read_text(errors='replace').strip()}",
                    means="the probe's firmware could not write the chip",
                    hint="update the ST-LINK firmware, or use openocd or st-flash",
                )
            time.sleep(0.2)

    return Writer("drive", write)
