"""What a board is: one YAML file, read strictly. `boards/` is the registry; a file from elsewhere works the same."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tinyperf import content, cores
from tinyperf.errors import ContentError, DiskError, UsageError

Verified = Literal["silicon", "emulated", "native", "compiled", "rendered"]


class Description(BaseModel):
    """Base of everything read from YAML: unknown keys refused, no silent conversions, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


SUFFIXES = (".yaml", ".yml")
"""What makes a board's name a path."""
Word = Annotated[int, Field(ge=0, lt=2**32)]
Count = Annotated[int, Field(gt=0, lt=2**32)]
Plain = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._-]*$")]
"""A word of a compiler's command line or of a file name."""


class Region(Description):
    """One memory region of the linker script."""

    origin: Word
    bytes: Count


class Memory(Description):
    """`ram` holds stack and data; `arena` (optional) is a second RAM region for the model's arena."""

    flash: Region
    ram: Region
    arena: Region | None = None


class Serial(Description):
    """Benchmark UART. `usb`: VID:PID of the port as pyserial shows it, lower-case hex, for finding the board."""

    baud: Count = 115200
    energy_baud: Count = 9600
    usb: list[Annotated[str, Field(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")]] = []


class PlatformIO(Description):
    """The online form of the generated project."""

    platform: str
    board: str
    packages: list[str] = []
    framework: str | None = None


class Flash(Description):
    """How flash tools call this board; a tool whose field is absent is not offered."""

    openocd_board: str | None = None
    stlink_address: int | None = None
    pyocd_target: str | None = None
    jlink_device: str | None = None
    drive_label: str | None = None


class Emulator(Description):
    """The virtual board: `engine` unicorn with a SoC of tinyperf/virtual/board/chips/, or qemu with a machine."""

    engine: Literal["unicorn", "qemu", "process"]
    soc: str | None = None
    machine: str | None = None


class Power(Description):
    """Figures of the virtual board's power model (`tinyperf/rules/power.py`), at the rail the instrument supplies.

    `error_percent`: the largest error of what was predicted, not fitted; the board file says on what.
    """

    active_pc_per_cycle: float
    idle_ma_per_mhz: float
    static_ma: float
    stall_cycles_per_flash_miss: float
    error_percent: float


class Wiring(Description):
    """Where an instrument is connected, by the names on the board. `lift`: jumpers to take out."""

    supply: str
    ground: str
    timestamp: str
    sends: str
    receives: str
    lift: list[str] = []


class Energy(Description):
    """Energy mode: supply voltage of the instrument, where it is connected, and what the virtual board draws."""

    supply_mv: int = 3000
    wiring: Wiring | None = None
    power: Power | None = None


def _known_core(name: str) -> str:
    if name not in cores.known():
        raise ValueError(cores.unknown(name))
    return name


class Board(Description):
    """One board. `core` is GCC's -mcpu, `mcu` a folder of firmware_templates/mcu/."""

    name: Plain
    title: str
    verified: Verified
    soc: str
    core: Annotated[Plain, AfterValidator(_known_core)]
    fpu: Plain | None = None
    dsp: bool = False
    mcu: Plain
    clock_hz: Count
    memory: Memory | None = None
    serial: Serial = Serial()
    timestamp_pin: Plain | None = None
    platformio: PlatformIO | None = None
    flash: Flash = Flash()
    emulator: Emulator | None = None
    energy: Energy = Energy()


def core_of(board: Board) -> cores.Core:
    """The core with the features that the chip has."""
    core = cores.load(board.core)
    missing = {"dsp"} if not board.dsp else set()
    missing |= {"fpu", "fpu_double"} if not board.fpu else {"fpu_double"} if "-sp-" in board.fpu else set()
    return core.without(core.optional & missing)


def load(name: str) -> Board:
    """A shipped board by name, or any YAML file by path.

    Raises: UsageError: no such board. ContentError: the file breaks a rule; file, line and words say which.
    """
    path = Path(name)
    if path.suffix in SUFFIXES:
        if not path.is_file():
            raise UsageError(
                f"board file {name} does not exist", hint="'tinyperf boards new NAME' writes one to start from"
            )
        return read(path)
    known = content.names("boards", ".yaml")
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise UsageError(
            f"unknown board '{name}'",
            hint=(f"did you mean '{near[0]}'? " if near else "") + f"known: {', '.join(known)}; or give a .yaml file",
        )
    return read(known[name])


def shipped() -> list[Board]:
    """All shipped boards, by name."""
    return [read(path) for path in content.names("boards", ".yaml").values()]


def read(path: Path) -> Board:
    """One board file.

    Raises: ContentError: not YAML, a key twice, an unknown or missing key, a value of the wrong type.
    """
    hint = "compare with boards/nucleo-l4r5zi.yaml, or start anew with 'tinyperf boards new NAME'"
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_duplicates(tree, path)
        found = Board.model_validate(yaml.safe_load(text))
        _refuse_what_cannot_be_built(found, path)
    except ValidationError as exc:
        lines = [f"{path}:{_line_of(tree, e['loc'])}: {_words(e)}" for e in exc.errors()]
        raise ContentError("\n".join(lines), hint=hint) from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ContentError(f"{path}:{line}: {getattr(exc, 'problem', None) or 'not YAML'}", hint=hint) from exc
    # ValueError: also of PyYAML, for a date or number that is none. TypeError: a list as a key. Recursion: without end.
    except (OSError, ValueError, TypeError, RecursionError) as exc:
        raise ContentError(f"{path}: {str(exc) or type(exc).__name__}", hint=hint) from exc
    return found


def _refuse_what_cannot_be_built(found: Board, path: Path) -> None:
    """Raises: ContentError: a field that the others make necessary is missing or of another form."""
    if found.core != "host" and found.memory is None:
        raise ContentError(f"{path}: memory: missing", means=f"core {found.core} is linked by it", hint="add it")
    pin = found.timestamp_pin or ""
    if found.mcu == "stm32l4" and re.fullmatch(r"P[A-I](\d|1[0-5])", pin) is None:
        raise ContentError(
            f"{path}: timestamp_pin: {pin or 'missing'}",
            means="the port and bit of an STM32L4 are wanted",
            hint="for example PF13",
        )


def template(name: str) -> str:
    """A commented board file to start from; valid as it stands.

    Raises: UsageError: `name` cannot be a board's name.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) is None:
        raise UsageError(
            f"'{name}' cannot be a board's name", hint="lower-case letters, digits and hyphens, for example my-board"
        )
    text = (content.shipped("firmware_templates") / "board.yaml").read_text(encoding="utf-8")
    return text.format(name=name)


def new(name: str, folder: Path) -> Path:
    """Write the `template` into `folder`; its path.

    Raises: UsageError: not a name, or the file exists. DiskError: cannot write.
    """
    text = template(name)
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


def _words(error: Any) -> str:
    """One pydantic error in our words: the dotted field, what is wrong, a close match for an unknown key."""
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(error["loc"][-1]), _field_names(Board), n=1)
        return f"{where}: unknown field" + (f", did you mean {near[0]}?" if near else "")
    if error["type"] == "missing":
        return f"{where}: missing"
    if error["type"] == "value_error":  # one of ours, whole
        return f"{where}: {error['ctx']['error']}"
    return f"{where}: {error['msg'][0].lower()}{error['msg'][1:]}, got {error['input']!r}"


def _field_names(model: type[BaseModel]) -> list[str]:
    found: list[str] = []
    for name, info in model.model_fields.items():
        found.append(name)
        for part in (info.annotation, *getattr(info.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found += _field_names(part)
    return found


def _line_of(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """1-based line of the key that `loc` names; of its nearest parent where the key itself is absent."""
    line = node.start_mark.line + 1 if node else 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                return line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _refuse_duplicates(node: yaml.Node | None, path: Path) -> None:
    """PyYAML keeps the last of two equal keys silently; a description must not."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ContentError(f"{path}:{key.start_mark.line + 1}: a list or table as a key", hint="use a word")
            if key.value in seen:
                raise ContentError(
                    f"{path}:{key.start_mark.line + 1}: {key.value}: key given twice", hint="remove one of the two"
                )
            seen.add(key.value)
            _refuse_duplicates(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_duplicates(value, path)
