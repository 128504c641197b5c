"""The flash tools as values: which boards and probes each one fits, its exact command, what its failures mean.

Pure: nothing here looks at the machine or starts a program. The order of TOOLS is the order of preference: openocd
verifies and names the chip, st-flash is small, pyocd needs a pack for many chips, a drive copy reports nothing.
Texts of failures were seen with openocd 0.12, st-flash 1.7, pyocd 0.46 and PlatformIO 6.2 (no probe), or read in
the programs themselves.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.errors import DeviceError
from tinyperf.formats import ihex
from tinyperf.tool import Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tinyperf.board import Board
    from tinyperf.tool import Outcome

ERASE_AND_WRITE_S = 120.0
"""2 MB at the slowest seen (about 20 kB/s over an ST-LINK/V2) with room."""

RASPBERRY_PI = frozenset({0xE48BFF56, 0xE48BFF59})
"""UF2 families of the RP2040 and of the RP2350's Arm cores (github.com/microsoft/uf2, utils/uf2families.json)."""

ON_BOARD = frozenset({"ST-LINK", "CMSIS-DAP"})


@dataclass(frozen=True)
class Job:
    """One image for one board. `project`: the PlatformIO project it was built in; `script`: a file a tool may need.

    `probe`: its kind; `port`: of a bootloader that takes the image by its serial port.
    """

    board: Board
    elf: Path
    binary: Path
    project: Path
    script: Path
    serial: str | None = None
    probe: str = ""
    port: str | None = None

    @property
    def address(self) -> int:
        """Where the image begins."""
        return self.board.memory.flash.origin if self.board.memory else self.board.flash.stlink_address or 0


@dataclass(frozen=True)
class Failure:
    """How one failure is recognised in a tool's output, and what is told; `{board}` and `{usb}` are filled in."""

    pattern: str
    seen: str
    means: str
    hint: str


@dataclass(frozen=True)
class Tool:
    """One flash tool. `probes`: kinds it can use; `selects`: it can be told which probe by serial number.

    `get`: how to get it. `script`: what is in the file it needs, which is called `script_name`.
    """

    name: str
    program: str
    get: str
    probes: frozenset[str]
    fits: Callable[[Board], bool]
    step: Callable[[Job], Step]
    failures: tuple[Failure, ...]
    selects: bool = True
    script: Callable[[Job], str] | None = None
    script_name: str = ""


INTERFACES = {"CMSIS-DAP": ("cmsis-dap", "adapter speed 5000"), "J-Link": ("jlink", "transport select swd")}
"""By kind of probe: openocd's file, and what it must be told: else a debug probe crawls, and a J-Link speaks JTAG."""


def openocd(job: Job) -> Step:
    """Flash, verify, reset. Braces keep a path with blanks one word of Tcl."""
    select = ("-c", f"adapter serial {job.serial}") if job.serial else ()
    program = f"program {{{job.elf.as_posix()}}} verify reset exit"
    configuration: tuple[str, ...] = ("-f", f"board/{job.board.flash.openocd_board}.cfg")
    if job.board.flash.openocd_board is None:
        interface, order = INTERFACES[job.probe]
        target = f"target/{job.board.flash.openocd_target}.cfg"
        configuration = ("-f", f"interface/{interface}.cfg", "-c", order, "-f", target)
    return Step(("openocd", *configuration, *select, "-c", program), ERASE_AND_WRITE_S)


def st_flash(job: Job) -> Step:
    """Write the .bin at the start of flash, verify (always), reset."""
    select = ("--serial", job.serial) if job.serial else ()
    address = f"0x{job.board.flash.stlink_address or 0:08x}"
    return Step(("st-flash", "--reset", *select, "write", str(job.binary), address), ERASE_AND_WRITE_S)


def pyocd(job: Job) -> Step:
    """`--no-wait`: without it pyocd waits for a probe for ever."""
    select = ("--uid", job.serial) if job.serial else ()
    target = str(job.board.flash.pyocd_target)
    return Step(("pyocd", "flash", "--no-wait", "--target", target, *select, str(job.elf)), ERASE_AND_WRITE_S)


def jlink(job: Job) -> Step:
    """SEGGER's commander reads its orders from a file (`jlink_script`)."""
    select = ("-SelectEmuBySN", job.serial) if job.serial else ()
    return Step(
        (
            *("JLinkExe", "-NoGui", "1", "-ExitOnError", "1", *select),
            *("-Device", str(job.board.flash.jlink_device), "-If", "SWD", "-Speed", "4000", "-AutoConnect", "1"),
            *("-CommandFile", str(job.script)),
        ),
        ERASE_AND_WRITE_S,
    )


def jlink_script(job: Job) -> str:
    """Orders for SEGGER's commander: write, reset, run, quit."""
    return f'r\nh\nloadfile "{job.binary.as_posix()}" 0x{job.address:08x}\nr\ng\nq\n'


def pio(job: Job) -> Step:
    """PlatformIO's own upload, with the protocol that its board file names."""
    return Step(("pio", "run", "--project-dir", str(job.project), "--target", "upload"), ERASE_AND_WRITE_S)


def picotool(job: Job) -> Step:
    """Write the ELF to a chip in BOOTSEL mode, verify, start it."""
    select = ("--ser", job.serial) if job.serial else ()
    return Step(("picotool", "load", "--verify", "--execute", str(job.elf), *select), ERASE_AND_WRITE_S)


def hex_file(job: Job) -> str:
    """The image for Nordic's tools, which take no .bin."""
    return ihex.encode(job.address, job.binary.read_bytes())


def nrfutil(job: Job) -> Step:
    """Nordic's tool of today, with its command `device`."""
    select = ("--serial-number", job.serial) if job.serial else ()
    options = "chip_erase_mode=ERASE_RANGES_TOUCHED_BY_FIRMWARE,verify=VERIFY_READ,reset=RESET_SYSTEM"
    return Step(
        ("nrfutil", "device", "program", "--firmware", str(job.script), *select, "--options", options),
        ERASE_AND_WRITE_S,
    )


def nrfjprog(job: Job) -> Step:
    """Nordic's older tool. It wants a J-Link's number without the zeros before it."""
    select = ("--snr", job.serial.lstrip("0")) if job.serial else ()
    family = str(job.board.flash.nordic_family)
    return Step(
        ("nrfjprog", "-f", family, *select, "--program", str(job.script), "--sectorerase", "--verify", "--reset"),
        ERASE_AND_WRITE_S,
    )


def bossac(job: Job) -> Step:
    """Arduino's form of it, whose boards' bootloaders write behind themselves: RESET pressed twice starts them."""
    return Step(
        ("bossac", "-d", f"--port={job.port}", "-U", "-i", "-e", "-w", str(job.binary), "-R"), ERASE_AND_WRITE_S
    )


_NO_PROBE_MEANS = "the board is not connected, its cable carries no data, or the probe has no power"
_NO_PROBE_HINT = (
    "connect the board's debug USB port with a data cable; 'tinyperf doctor --board {board}' shows what is seen; "
    "without a board add --virtual"
)


def _no_probe(pattern: str) -> Failure:
    return Failure(pattern, "{tool} found no debug probe ({usb})", _NO_PROBE_MEANS, _NO_PROBE_HINT)


_SHARED = (
    Failure(
        r"LIBUSB_ERROR_ACCESS|insufficient permissions|Permission denied|Access denied",
        "{tool} may not open the debug probe ({usb})",
        "this user has no permission for the USB device",
        "'tinyperf doctor --board {board}' prints the udev rule that gives it",
    ),
    Failure(
        r"LIBUSB_ERROR_BUSY|[Rr]esource busy|could not claim interface|already in use",
        "{tool} found the debug probe ({usb}) in use",
        "another debugger, an IDE or a second tinyperf holds it",
        "close the other program, or unplug the probe and plug it in again",
    ),
    Failure(
        r"serial mismatch|No connected debug probe matches|Cannot find J-Link with",
        "{tool} found no debug probe with the serial number asked for",
        "the number is misspelt, or that probe is not connected",
        "'tinyperf doctor --board {board}' lists the serial numbers",
    ),
    Failure(
        r"protected|RDP|is locked|[Ff]ailed to unlock",
        "{tool} could not write: the chip's flash is protected",
        "read-out or write protection is set in the option bytes",
        "lift it with the maker's programmer (this erases the chip), then flash again",
    ),
    Failure(
        r"Verify Failed|[Vv]erification of flash failed|verify failed",
        "{tool} read back other bytes than it wrote",
        "bad supply or cable, or a damaged flash page",
        "try a short cable straight to the computer; if it stays, the chip's flash is worn",
    ),
    Failure(
        r"init mode failed|Failed to connect to target|Failed to enter SWD|not examined|No ACK|"
        r"Cannot connect to target|unable to connect to the target|Failed to read Target voltage",
        "{tool} sees the probe, but the chip does not answer",
        "the chip has no power, is held in reset, sleeps too deeply, or its SWD pins are used otherwise",
        "check the power jumper; hold the reset button while the tool starts",
    ),
    Failure(
        r"[Uu]nknown chip id|UNEXPECTED|Target type .* not recognized|unknown target|Unknown device",
        "{tool} does not know this chip, or another one is connected",
        "the board on the cable is not {board}, or the tool is too old for it",
        "check the board's name; another tool can be forced with --tool",
    ),
    Failure(
        r"HTTPClientError|Could not resolve|ConnectionError",
        "{tool} wanted to download packages and has no network",
        "PlatformIO's upload needs packages that are not on this machine",
        "install openocd or st-flash, or run 'pio pkg install' once with a network",
    ),
)

_OPENOCD_NO_PROBE = _no_probe(r"Error: open failed|unable to find a matching CMSIS-DAP|No J-Link device found")

_NORDIC_NO_PROBE = _no_probe(
    r"no debugger connected|There is no debugger|[Nn]o devices? (?:found|connected)|No J-Link|unable to find a device"
)

TOOLS = (
    Tool(
        name="openocd",
        program="openocd",
        get="sudo apt install openocd",
        probes=ON_BOARD,
        fits=lambda board: board.flash.openocd_board is not None,
        step=openocd,
        failures=(*_SHARED, _OPENOCD_NO_PROBE),
    ),
    Tool(
        name="openocd",
        program="openocd",
        get="sudo apt install openocd",
        probes=frozenset(INTERFACES),
        fits=lambda board: board.flash.openocd_board is None and board.flash.openocd_target is not None,
        step=openocd,
        failures=(*_SHARED, _OPENOCD_NO_PROBE),
    ),
    Tool(
        name="st-flash",
        program="st-flash",
        get="sudo apt install stlink-tools",
        probes=frozenset({"ST-LINK"}),
        fits=lambda board: board.flash.stlink_address is not None,
        step=st_flash,
        failures=(*_SHARED, _no_probe(r"Couldn't find any ST-Link")),
    ),
    Tool(
        name="nrfutil",
        program="nrfutil",
        get="get nRF Util from nordicsemi.com, then 'nrfutil install device'",
        probes=frozenset({"J-Link"}),
        fits=lambda board: board.flash.nordic_family is not None,
        step=nrfutil,
        script=hex_file,
        script_name="flash.hex",
        failures=(*_SHARED, _NORDIC_NO_PROBE),
    ),
    Tool(
        name="nrfjprog",
        program="nrfjprog",
        get="get the nRF Command Line Tools from nordicsemi.com",
        probes=frozenset({"J-Link"}),
        fits=lambda board: board.flash.nordic_family is not None,
        step=nrfjprog,
        script=hex_file,
        script_name="flash.hex",
        failures=(*_SHARED, _NORDIC_NO_PROBE),
    ),
    Tool(
        name="jlink",
        program="JLinkExe",
        get="get J-Link from segger.com",
        probes=frozenset({"J-Link"}),
        fits=lambda board: board.flash.jlink_device is not None,
        step=jlink,
        script=jlink_script,
        script_name="flash.jlink",
        failures=(*_SHARED, _no_probe(r"Connecting to J-Link via USB\.\.\.\s*FAILED|No emulators connected")),
    ),
    Tool(
        name="pyocd",
        program="pyocd",
        get=f"{sys.executable} -m pip install pyocd",
        probes=frozenset({"ST-LINK", "CMSIS-DAP", "J-Link"}),
        fits=lambda board: board.flash.pyocd_target is not None,
        step=pyocd,
        failures=(
            *_SHARED,
            # pyocd 0.46 says the same for an unknown target while no probe is attached.
            _no_probe(r"No connected debug probes|No target device available|Waiting for a debug probe"),
        ),
    ),
    Tool(
        name="picotool",
        program="picotool",
        get="get picotool from github.com/raspberrypi/picotool",
        probes=frozenset({"BOOTSEL"}),
        fits=lambda board: board.flash.uf2_family in RASPBERRY_PI,
        step=picotool,
        failures=(*_SHARED, _no_probe(r"No accessible RP\S* device")),
    ),
    Tool(
        name="bossac",
        program="bossac",
        get="get Arduino's bossac (1.9.1-arduino2) with its boards 'arduino:mbed_nano'",
        probes=frozenset({"SAM-BA"}),
        fits=lambda board: board.flash.bossac,
        step=bossac,
        selects=False,
        failures=(*_SHARED, _no_probe(r"No device found on")),
    ),
    Tool(
        name="pio",
        program="pio",
        get=f"{sys.executable} -m pip install platformio",
        probes=ON_BOARD,
        fits=lambda board: board.platformio is not None,
        step=pio,
        selects=False,
        failures=(*_SHARED, _no_probe(_OPENOCD_NO_PROBE.pattern + "|Please specify `upload_port`")),
    ),
)


def failure(tool: Tool, outcome: Outcome, *, board: str, usb: str) -> DeviceError | None:
    """What a run of a tool says of itself: None where it claims success (which is not yet success).

    A known text counts even with status 0: several tools return 0 with nothing done.
    """
    words = {"board": board, "usb": usb, "tool": tool.name}
    quoted = f"\n{outcome.last_lines()}\n  command: {outcome.step.command}"
    known = next((f for f in tool.failures if re.search(f.pattern, outcome.output)), None)
    if known and (outcome.status != 0 or not _claims_success(outcome)):
        seen = known.seen.format(**words)
        return DeviceError(seen + quoted, means=known.means.format(**words), hint=known.hint.format(**words))
    if outcome.status == -1:
        return DeviceError(
            f"{tool.name} cannot be started: {outcome.output}",
            means=f"{tool.program} is not installed, or may not be executed",
            hint="'tinyperf doctor' lists the tools that fit, and how to get them; or choose one with --tool",
        )
    if outcome.status is None:
        return DeviceError(
            f"{tool.name} did not end within {outcome.step.timeout_s:g} s{quoted}",
            means="it waits for a probe or a chip that does not answer",
            hint=_NO_PROBE_HINT.format(**words),
        )
    if outcome.status != 0:
        return DeviceError(
            f"{tool.name} ended with status {outcome.status}{quoted}",
            means="this failure is not one tinyperf knows; the tool's last lines are above",
            hint="run the command by hand for the whole output, or choose another tool with --tool",
        )
    return None


def _claims_success(outcome: Outcome) -> bool:
    return re.search(r"\*\* Verified OK|Flash written and verified|\[SUCCESS\]|O\.K\.", outcome.output) is not None
