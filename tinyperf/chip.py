"""What a chip is: one YAML file of boards/chips/, read strictly. Boards name it; what is soldered around it is theirs.

A chip comes from `chips/NAME.yaml` beside the board's file, from boards/chips/, or from a package: an entry point of
the group `tinyperf.chips` whose name is the chip's and whose module has NAME.yaml beside it (and `build`, where the
virtual board is to play it).
"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
import itertools
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from tinyperf import content, cores, description
from tinyperf.description import Count, Description, Plain, Positive, Word
from tinyperf.errors import ContentError

ENTRY_POINTS = "tinyperf.chips"


class Region(Description):
    """One memory region of the linker script."""

    origin: Word
    bytes: Count


class Memory(Description):
    """`ram` holds stack and data; `arena` (optional) is a second RAM region, for a model's arena that fits into it."""

    flash: Region
    ram: Region
    arena: Region | None = None

    def place(self, arena_bytes: int) -> Region:
        """The region of an arena of that size: `arena`, or `ram` beside stack and data."""
        return self.arena if self.arena and arena_bytes <= self.arena.bytes else self.ram

    def place_resident(self, arena_bytes: int, resident_bytes: int) -> Region:
        """The region of data: `arena` where the weights in it and an arena of that size fit, else `ram`."""
        return self.place(arena_bytes + resident_bytes) if resident_bytes else self.ram

    def arena_room_bytes(self, beside_bytes: int) -> int:
        """The largest arena, where stack and data take `beside_bytes`."""
        return max(self.ram.bytes - beside_bytes, self.arena.bytes if self.arena else 0)


class Block(Region):
    """One block of memory as the reference manual names it; `aliases`: where else the same bytes appear."""

    name: Plain
    kind: Literal["flash", "ram", "rom"]
    aliases: list[Word] = Field(default_factory=list)


class Linked(Description):
    """The blocks that our own linker script uses, by name; `ram` may be several that adjoin, in order.

    `arena`: where the model's arena goes if it fits; else it lies in `ram`.
    """

    flash: Plain
    ram: Plain | list[Plain]
    arena: Plain | None = None

    @property
    def ram_blocks(self) -> list[str]:
        return [self.ram] if isinstance(self.ram, str) else self.ram


class WaitStates(Description):
    """Least wait states of the flash up to a clock, at the highest core voltage.

    `cached_cycles`: of what the code cache misses, where that is another number.
    """

    up_to_hz: Count
    cycles: Annotated[int, Field(ge=0, lt=64)]
    cached_cycles: Annotated[int, Field(ge=0, lt=64)] | None = None

    def of(self, *, code_cache: bool) -> int:
        """Wait states with the code cache on or off."""
        return self.cached_cycles if code_cache and self.cached_cycles is not None else self.cycles


class FlashAccelerator(Description):
    """Two caches, for code and for data, in front of a flash of which one read takes `read_bytes` of a line.

    `request_cycles`: from a miss to the first read. virtual/board/memory/accelerator.py has the rules.
    """

    kind: Literal["accelerator"]
    line_bytes: Count
    read_bytes: Count
    code_lines: Count
    data_lines: Count
    request_cycles: Annotated[int, Field(ge=0, lt=64)]


class InstructionCache(Description):
    """One cache of `bytes` for code and data in front of a flash that reads a line at a time.

    `request_cycles`: of a miss, on top of the wait states. virtual/board/memory/icache.py has the rules.
    """

    kind: Literal["icache"]
    line_bytes: Count
    bytes: Count
    request_cycles: Annotated[int, Field(ge=0, lt=64)]


class LevelOneCaches(Description):
    """Caches inside the core for code and data, of all memories but the `tightly_coupled` ones.

    Cycles of a fill are the bus's. virtual/board/memory/level_one.py has the rules.
    """

    kind: Literal["level_one"]
    line_bytes: Count
    code_bytes: Count
    code_ways: Count
    data_bytes: Count
    data_ways: Count
    read_bytes: Count
    request_cycles: Annotated[int, Field(ge=0, lt=64)]
    ram_cycles: Annotated[int, Field(ge=0, lt=64)]
    write_cycles: Annotated[int, Field(ge=0, lt=64)]
    tightly_coupled: list[Plain]


class FetchBuffer(Description):
    """No data cache; of code, the `lines` last used and one read ahead.

    virtual/board/memory/fetch_buffer.py has the rules.
    """

    kind: Literal["fetch_buffer"]
    line_bytes: Count
    lines: Count


class CoreVoltage(Description):
    """Core voltage of the range that a clock needs; the firmware is taken to choose the lowest."""

    up_to_hz: Count
    mv: Count


class Power(Description):
    """Figures of the power model (`tinyperf/rules/power.py`), at the rail the instrument supplies.

    `core_mv`: from the lowest range to the highest, in which the charge was found. `switched_at_mv`: the supply at
    which it was found, where a switching converter makes the core's voltage; left out for a linear regulator.
    `error_percent`: the largest error of published energies of software that was left out of the fit, None where there
    is no other software. `foreign_error_percent`: where firmware from elsewhere may be further off, because it leaves
    more switched on than ours. scripts/energy makes the figures, docs/virtual_board.md holds the table.
    """

    core_mv: Annotated[list[CoreVoltage], Field(min_length=1)]
    active_pc_per_cycle: Positive
    idle_ma_per_mhz: float
    static_ma: float
    stall_cycles_per_flash_miss: float
    switched_at_mv: Count | None = None
    error_percent: Positive | None = None
    foreign_error_percent: Positive | None = None


class Emulator(Description):
    """How the chip is played: unicorn by the module of its name or another, qemu by a machine, or as a process.

    `error_percent`: a little more than the largest difference from silicon that was seen, stated with every estimate;
    left out where nothing was measured, which every estimate then says.
    """

    engine: Literal["unicorn", "qemu", "process"]
    module: Plain | None = None
    machine: str | None = None
    error_percent: Positive | None = None

    @model_validator(mode="after")
    def _whole(self) -> Emulator:
        if self.engine == "qemu" and self.machine is None:
            raise ValueError("machine: missing: QEMU is told which it plays")
        if self.engine != "unicorn" and self.error_percent is not None:
            raise ValueError(f"error_percent: there is nothing that {self.engine} estimates")
        return self


def _known_core(name: str) -> str:
    if name not in cores.known():
        raise ValueError(cores.unknown(name))
    return name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as exc:
        raise ValueError(f"no regular expression: {exc}") from exc
    return text


class Chip(Description):
    """One chip. `without`: features that its core may have and this one lacks. `pins`: how our firmware names them.

    `clocks`: all that our firmware can set, in hertz; left out, `clock_hz` alone. `serial_pins`: who says on which pins
    the serial port is, the chip's firmware or the board's file.
    """

    name: Plain
    title: str
    core_name: Annotated[Plain, Field(alias="core"), AfterValidator(_known_core)]
    without: list[cores.Feature] = Field(default_factory=list)
    clock_hz: Count
    clocks: list[Count] = Field(default_factory=list)
    pins: Annotated[str, AfterValidator(_pattern)] | None = None
    serial_pins: Literal["chip", "board"] = "chip"
    memories: list[Block] = Field(default_factory=list)
    link: Linked | None = None
    wait_states: list[WaitStates] = Field(default_factory=list)

    caches: (
        Annotated[FlashAccelerator | InstructionCache | LevelOneCaches | FetchBuffer, Field(discriminator="kind")]
        | None
    ) = None
    power: Power | None = None
    emulator: Emulator | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Chip:
        core = cores.known()[self.core_name]
        if kept := sorted(set(self.without) - core.optional):
            can = ", ".join(sorted(core.optional)) or "nothing"
            raise ValueError(f"without: a {core.name} always has {kept[0]}; it may be without: {can}")
        names = {block.name for block in self.memories}
        if self.clocks and self.clock_hz not in self.clocks:
            raise ValueError(f"clocks: clock_hz {self.clock_hz} is not among them")
        if core.architecture != "host" and self.link is None:
            raise ValueError(f"link: missing: core {core.name} is linked by it")
        for name in (self.link.flash, *self.link.ram_blocks, self.link.arena) if self.link else ():
            if name is not None and name not in names:
                raise ValueError(f"link: there is no memory '{name}'; known: {', '.join(sorted(names)) or 'none'}")
        for one, other in itertools.pairwise(self._ram_blocks()):
            if one.origin + one.bytes != other.origin:
                raise ValueError(f"link: ram: '{other.name}' does not begin where '{one.name}' ends")
        return self

    @cached_property
    def core(self) -> cores.Core:
        """The core with the features that this chip has."""
        return cores.load(self.core_name).without(self.without)

    @cached_property
    def memory(self) -> Memory | None:
        """The regions of our own linker script; None for this computer."""
        if self.link is None:
            return None
        blocks = {block.name: Region(origin=block.origin, bytes=block.bytes) for block in self.memories}
        arena = blocks[self.link.arena] if self.link.arena else None
        ram = self._ram_blocks()
        whole = Region(origin=ram[0].origin, bytes=sum(block.bytes for block in ram))
        return Memory(flash=blocks[self.link.flash], ram=whole, arena=arena)

    def _ram_blocks(self) -> list[Block]:
        blocks = {block.name: block for block in self.memories}
        return [blocks[name] for name in self.link.ram_blocks] if self.link else []

    @cached_property
    def whole_ram(self) -> Memory | None:
        """The regions of a framework's linker script: all RAM that lies in one piece from `link.ram` on."""
        if self.memory is None:
            return None
        origin, end = self.memory.ram.origin, self.memory.ram.origin
        for block in sorted(self.memories, key=lambda block: block.origin):
            if block.kind == "ram" and block.origin == end:
                end += block.bytes
        return Memory(flash=self.memory.flash, ram=Region(origin=origin, bytes=end - origin))


def known(beside: Path | None = None) -> dict[str, Path]:
    """All chips by name, and their files; `beside`: the board file whose folder's chips/ is looked through first."""
    packaged = content.packaged(ENTRY_POINTS)
    found = {name: path for name, point in packaged.items() if (path := _packaged(point)) is not None}
    found |= _folder(content.shipped("boards") / "chips")
    return dict(sorted((found | (_folder(beside.parent / "chips") if beside else {})).items()))


def _folder(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.glob("*.yaml")}


def _packaged(point: importlib.metadata.EntryPoint) -> Path | None:
    spec = importlib.util.find_spec(point.module)
    return Path(spec.origin).with_name(f"{point.name}.yaml") if spec and spec.origin else None


def load(name: str, beside: Path | None = None) -> Chip:
    """The chip of that name.

    Raises: ContentError: there is none, or its file breaks a rule; file, line and words say which.
    """
    files = known(beside)
    if name not in files:
        raise ContentError(
            unknown(name, files), hint="a chip is one file of boards/chips/, or of chips/ beside a board"
        )
    return read(files[name])


def unknown(name: str, files: dict[str, Path]) -> str:
    """What is said of a name that is no chip's."""
    near = difflib.get_close_matches(name, files, n=1, cutoff=0.5)
    return f"unknown chip '{name}'" + (f", did you mean {near[0]}?" if near else f"; known: {', '.join(files)}")


def read(path: Path) -> Chip:
    """One chip file.

    Raises: ContentError: as `description.read`.
    """

    def named(values: dict[str, Any], line: Any) -> None:
        if values.get("name", path.stem) != path.stem:
            raise ContentError(
                f"{path}:{line('name')}: name: '{values['name']}' in a file called {path.name}",
                hint="a chip is found by its file's name",
            )

    return description.read(path, Chip, hint="compare with boards/chips/stm32l4r5.yaml", complete=named)
