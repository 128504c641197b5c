"""What a board is: one YAML file, read strictly. `boards/` is the registry; a file from elsewhere works the same.

A board is what is soldered around a chip: wires, ports, probes. What the chip is stands in a file of its own (chip.py).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, InstanceOf

from tinyperf import chip as chips
from tinyperf import content, description, foreign
from tinyperf.chip import Chip, Emulator, Memory, Power
from tinyperf.description import Count, Description, Plain, Word
from tinyperf.errors import ContentError, DiskError, UsageError, meant

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.cores import Core

Verified = Literal["silicon", "emulated", "native", "compiled", "rendered", "images"]
"""How far our firmware was seen to work; "images": there is none, but foreign images run on the virtual board."""
Pin = Annotated[str, Field(pattern=r"^P[A-Z][0-9]{1,2}$")]

Form = Literal["stm32", "arduino"]
"""What `new` can write: firmware_templates/board_FORM.yaml."""

SUFFIXES = (".yaml", ".yml")
"""What makes a board's name a path."""

_OF_THE_CHIP = "a fact of the chip, whose file is in boards/chips/; a board says 'chip: NAME'"
IN_CHIP = dict.fromkeys(("core", "fpu", "dsp", "memory", "emulator", "power"), _OF_THE_CHIP) | {
    "soc": "write 'chip: NAME' for a file of boards/chips/, and 'part:' for the number on the package"
}
"""Fields of a chip's file -> what is said where a board's has them."""


class Serial(Description):
    """Benchmark UART. `usb`: VID:PID of the port as pyserial shows it, lower-case hex, for finding the board.

    `tx`, `rx`: the chip's pins, where its firmware leaves them to the board.
    """

    baud: Count = 115200
    energy_baud: Count = 9600
    usb: list[Annotated[str, Field(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")]] = Field(default_factory=list)
    tx: Plain | None = None
    rx: Plain | None = None


class PlatformIO(Description):
    """The online form of the generated project. `ram_bytes`: what its board file lets be used, where that is less."""

    platform: str
    board: str
    packages: list[str] = Field(default_factory=list)
    framework: str | None = None
    ram_bytes: Count | None = None


class Flash(Description):
    """How flash tools call this board; a tool whose field is absent is not offered.

    `openocd_board`: of openocd's board/, with the probe on it; else `openocd_target`: of its target/, with any probe.
    `bossac`: its bootloader speaks SAM-BA.
    """

    openocd_board: str | None = None
    openocd_target: str | None = None
    stlink_address: int | None = None
    pyocd_target: str | None = None
    jlink_device: str | None = None
    nordic_family: str | None = None
    bossac: bool = False
    drive_label: str | None = None
    uf2_family: Word | None = None


class Wiring(Description):
    """Where an instrument is connected, by the names on the board. `lift`: jumpers to take out."""

    supply: str
    ground: str
    timestamp: str
    sends: str
    receives: str
    lift: list[str] = Field(default_factory=list)


class EnergySetup(Description):
    """Energy mode: supply voltage of the instrument, where it is connected, and who makes the core's voltage.

    `regulator`: `board` where there is a converter beside the chip. Our firmware leaves it off; firmware from elsewhere
    switches it on, so that the chip's power figures do not hold: `power` are then the board's own.
    """

    supply_mv: int = 3000
    wiring: Wiring | None = None
    regulator: Literal["chip", "board"] = "chip"
    power: Power | None = None


class Sound(Description):
    """The I2S of a board that takes the streaming wakeword's sound, and the pins that the interface board watches.

    The I2S itself is wired as the firmware of its mcu folder says (`streaming/tp_audio.c`).
    """

    processing_pin: Plain
    detected_pin: Plain


class Board(Description):
    """One board. `part`: the number on the package. `mcu`: a folder of firmware_templates/mcu/, the chip's by default.

    `clock_hz`: what the firmware sets, the chip's by default. `wires`: input pin -> output pin that it is tied to.
    `bootloader_bytes`: what a bootloader keeps of the flash's start; our firmware begins behind it.
    """

    name: Plain
    title: str
    verified: Verified
    chip: InstanceOf[Chip]
    part: str
    mcu: Plain
    clock_hz: Count
    serial: Serial = Serial()
    timestamp_pin: Plain | None = None
    sound: Sound | None = None
    wires: dict[Pin, Pin] = Field(default_factory=dict)
    platformio: PlatformIO | None = None
    bootloader_bytes: Annotated[int, Field(ge=0, multiple_of=4096)] = 0
    flash: Flash = Flash()
    energy: EnergySetup = EnergySetup()

    @property
    def core(self) -> Core:
        """The core with the features that the chip has."""
        return self.chip.core

    @property
    def framework(self) -> str | None:
        """What links the image and starts the chip, where that is not our own firmware."""
        return self.platformio.framework if self.platformio else None

    @property
    def clocks(self) -> list[int]:
        """All clocks that the firmware can set, in hertz, the slowest first."""
        usual = [self.clock_hz]
        return usual if self.framework is not None else sorted(self.chip.clocks) or usual

    def at(self, clock_hz: int) -> Board:
        """The same board with firmware that sets another clock.

        Raises: UsageError: it cannot.
        """
        if clock_hz not in self.clocks:
            can = ", ".join(f"{clock / 1e6:g}" for clock in self.clocks)
            raise UsageError(
                f"{self.name} cannot run at {clock_hz / 1e6:g} MHz",
                means=f"its firmware sets {can} MHz",
                hint=f"for example --clock {min(self.clocks, key=lambda clock: abs(clock - clock_hz))}",
            )
        return self.model_copy(update={"clock_hz": clock_hz})

    @property
    def memory(self) -> Memory | None:
        """The regions of the linker script; None for this computer."""
        if self.framework is None or self.chip.whole_ram is None:
            return self._behind_the_bootloader()
        limit = self.platformio.ram_bytes if self.platformio else None
        ram = self.chip.whole_ram.ram
        return self.chip.whole_ram.model_copy(
            update={"ram": ram.model_copy(update={"bytes": min(ram.bytes, limit or ram.bytes)})}
        )

    def _behind_the_bootloader(self) -> Memory | None:
        whole, kept = self.chip.memory, self.bootloader_bytes
        if whole is None or not kept:
            return whole
        flash = whole.flash.model_copy(update={"origin": whole.flash.origin + kept, "bytes": whole.flash.bytes - kept})
        return whole.model_copy(update={"flash": flash})

    @property
    def emulator(self) -> Emulator | None:
        """How the virtual board plays the chip; None where it cannot."""
        return self.chip.emulator

    def power(self, *, foreign: bool) -> Power | None:
        """Figures of the power model, where they hold on this board.

        Args: foreign: the firmware comes from elsewhere.
        """
        if self.energy.regulator == "chip":
            return self.energy.power or self.chip.power
        return self.energy.power if foreign else self.chip.power


def load(name: str, clock_hz: int | None = None) -> Board:
    """A shipped board by name, or any YAML file by path.

    Args: clock_hz: what the firmware shall set in place of the board's usual clock.
    Raises: UsageError: no such board, or its firmware cannot set that clock. ContentError: the file breaks a rule;
        file, line and words say which.
    """
    return _load(name) if clock_hz is None else _load(name).at(clock_hz)


def _load(name: str) -> Board:
    path = Path(name)
    if path.suffix in SUFFIXES:
        if not path.is_file():
            raise UsageError(
                f"board file {name} {foreign.no_file(path)}", hint="'tinyperf boards new NAME' writes one to start from"
            )
        return read(path)
    known = content.names("boards", ".yaml")
    if name not in known:
        raise UsageError(
            f"unknown board '{name}'", hint=f"{meant(name, known)}known: {', '.join(known)}; or give a .yaml file"
        )
    return read(known[name])


def shipped() -> list[Board]:
    """All shipped boards, by name."""
    return [read(path) for path in content.names("boards", ".yaml").values()]


def read(path: Path) -> Board:
    """One board file, with the chip that it names.

    Raises: ContentError: as `description.read`; the chip is unknown, or its file breaks a rule.
    """
    hint = "compare with boards/nucleo-l4r5zi.yaml, or start anew with 'tinyperf boards new NAME'"

    def complete(values: dict[str, Any], line: Callable[[str], int]) -> None:
        name = values.get("chip")
        if not isinstance(name, str):
            # What follows from the chip is not missing as well.
            values.update({field: values.get(field, default) for field, default in _UNTOLD.items()})
            return
        files = chips.known(path)
        if name not in files:
            raise ContentError(f"{path}:{line('chip')}: chip: {chips.unknown(name, files)}", hint=hint)
        chip = chips.read(files[name])
        values.update(
            chip=chip,
            part=values.get("part", chip.title),
            mcu=values.get("mcu", chip.name),
            clock_hz=values.get("clock_hz", chip.clock_hz),
        )

    found = description.read(path, Board, hint=hint, complete=complete, elsewhere=IN_CHIP)
    _refuse_what_cannot_be_built(found, path)
    return found


_UNTOLD = {"part": "unknown", "mcu": "unknown", "clock_hz": 1}


def _refuse_what_cannot_be_built(found: Board, path: Path) -> None:
    """Raises: ContentError: a field that the others make necessary is missing or of another form."""
    if found.clock_hz not in found.clocks:
        raise ContentError(
            f"{path}: clock_hz: {found.clock_hz} cannot be set",
            means=f"the firmware of {found.chip.title} sets {', '.join(map(str, found.clocks))}",
            hint="choose one of them, or leave the line out",
        )
    form = found.chip.pins
    if found.framework is not None or form is None:
        return
    if wrong := [f"{field}: {pin or 'missing'}" for field, pin in _pins(found) if re.fullmatch(form, pin) is None]:
        raise ContentError(
            f"{path}: {', '.join(wrong)}",
            means=f"a pin of {found.chip.title} is wanted: {form}",
            hint="name it as the chip's other boards in boards/ do",
        )


def _pins(found: Board) -> list[tuple[str, str]]:
    """The fields that name pins, or have to, and what they say."""
    serial = [("serial.tx", found.serial.tx), ("serial.rx", found.serial.rx)]
    named = [(field, pin or "") for field, pin in serial if pin is not None or found.chip.serial_pins == "board"]
    if found.sound is not None:
        named += [
            ("sound.processing_pin", found.sound.processing_pin),
            ("sound.detected_pin", found.sound.detected_pin),
        ]
    return [("timestamp_pin", found.timestamp_pin or ""), *named]


def template(name: str, form: Form = "stm32") -> str:
    """A commented board file to start from; valid as it stands.

    Args: form: stm32: our own firmware on the bare chip. arduino: through an Arduino core, which PlatformIO brings.

    Raises: UsageError: `name` cannot be a board's name.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) is None:
        raise UsageError(
            f"'{name}' cannot be a board's name", hint="lower-case letters, digits and hyphens, for example my-board"
        )
    text = (content.shipped("firmware_templates") / f"board_{form}.yaml").read_text(encoding="utf-8")
    return text.format(name=name)


def new(name: str, folder: Path, form: Form = "stm32") -> Path:
    """Write the `template` into `folder`; its path.

    Raises: UsageError: not a name, or the file exists. DiskError: cannot write.
    """
    text = template(name, form)
    path = folder / f"{name}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as exc:
        raise UsageError(f"{path} exists already", hint="choose another name or folder, or edit that file") from exc
    except OSError as exc:
        raise DiskError(f"cannot write {path}: {exc.strerror}", hint="choose a folder that can be written") from exc
    return path
