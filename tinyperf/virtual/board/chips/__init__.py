"""A chip on the virtual board: the memories that its file names, and a table with a peripheral at each base address.

One module for each chip, named as boards/chips/*.yaml is; a chip of a package (chip.py) brings its own.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf import content
from tinyperf.chip import ENTRY_POINTS
from tinyperf.errors import ContentError
from tinyperf.virtual.board.cpu import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinyperf.chip import Block, Chip
    from tinyperf.virtual.board.memory.system import FlashSettings
    from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins, SoundInput
    from tinyperf.virtual.board.serial_port import SerialPort


class ClockTree:
    """What a chip tells of its clocks; `hz` names them as the peripherals of its table do."""

    def hz(self, name: str) -> int:
        """A clock in Hz: hclk (the core's), pclk1, tim1, a UART's kernel clock, ..."""
        raise NotImplementedError

    def flash_settings(self) -> FlashSettings:
        """How the firmware has set flash and caches."""
        raise NotImplementedError


@dataclass(frozen=True)
class Soc:
    """One chip. `at`: base address -> peripheral, each `block_bytes`; `cells`: contents of read-only cells.

    `priority_bits`: of an exception's priority; `devices`: where peripherals may lie, as (origin, bytes). `vectors`:
    where the core finds its stack and its first instruction; None: where the image begins. `sound`: the I2S that an
    interface board plays to, where there is one.
    """

    cpuid: int
    interrupts: int
    priority_bits: int
    devices: tuple[tuple[int, int], ...]
    at: Mapping[int, Peripheral]
    serial_ports: tuple[SerialPort, ...]
    clocks: ClockTree
    cells: Mapping[int, int]
    block_bytes: int = 0x400
    vectors: int | None = None
    sound: SoundInput | None = None


def build(chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip's peripherals, wired to `host`.

    Raises: ContentError: nobody has written them.
    """
    name = (chip.emulator.module if chip.emulator else None) or chip.name
    packaged = content.packaged(ENTRY_POINTS).get(name)
    own = Path(__file__).with_name(f"{name}.py").is_file()
    module = f"{__name__}.{name}" if own else packaged.module if packaged else None
    if module is None:
        raise ContentError(
            f"the virtual board cannot play chip '{chip.name}': there are no peripherals for '{name}'",
            hint=f"name a like chip in emulator.module of its file, or write tinyperf/virtual/board/chips/{name}.py",
        )
    found: Soc = importlib.import_module(module).build(chip, host, pins)
    return found


def memories(blocks: Sequence[Block]) -> tuple[Memory, ...]:
    """The blocks as the core sees them; neighbours of one kind are one piece, for an access may lie across."""
    pieces: list[list[Block]] = []
    for block in sorted(blocks, key=lambda block: block.origin):
        before = pieces[-1][-1] if pieces else None
        if before and before.kind == block.kind and before.origin + before.bytes == block.origin:
            pieces[-1].append(block)
        else:
            pieces.append([block])
    return tuple(_piece(piece) for piece in pieces)


def _piece(blocks: Sequence[Block]) -> Memory:
    origin = blocks[0].origin
    aliases: list[tuple[int, int, int]] = []
    pairs = [(alias, block) for block in blocks for alias in block.aliases]
    for address, block in sorted(pairs, key=lambda pair: pair[0]):
        offset = block.origin - origin
        if aliases and sum(aliases[-1][::2]) == address and sum(aliases[-1][1:]) == offset:
            start, first, size = aliases.pop()
            aliases.append((start, first, size + block.bytes))
        else:
            aliases.append((address, offset, block.bytes))
    return Memory(origin, sum(block.bytes for block in blocks), blocks[0].kind == "ram", tuple(aliases))
