"""Memory systems: caches and wait states in front of the flash, one file for each kind of `caches` of a chip's file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.chip import FetchBuffer, FlashAccelerator, InstructionCache, LevelOneCaches
from tinyperf.errors import UsageError
from tinyperf.virtual.board.memory.accelerator import Accelerator
from tinyperf.virtual.board.memory.fetch_buffer import Buffer
from tinyperf.virtual.board.memory.icache import Icache
from tinyperf.virtual.board.memory.level_one import LevelOne

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.chip import Chip
    from tinyperf.virtual.board.memory.system import FlashSettings, MemorySystem


def memory_system(chip: Chip, settings: Callable[[], FlashSettings]) -> MemorySystem:
    """The memory system of `chip`; `settings`: those that the firmware has made.

    Raises: UsageError: nobody has described it.
    """
    if chip.memory is not None and isinstance(chip.caches, FlashAccelerator):
        return Accelerator(chip.caches, chip.memory.flash, settings)
    if chip.memory is not None and isinstance(chip.caches, InstructionCache):
        return Icache(chip.caches, chip.memory.flash, settings)
    if isinstance(chip.caches, LevelOneCaches):
        return LevelOne(chip.caches, chip.memories, settings)
    if chip.memory is not None and isinstance(chip.caches, FetchBuffer):
        return Buffer(chip.caches, chip.memory.flash, settings)
    raise UsageError(
        f"nobody has described the flash of the {chip.title} yet, so its cycles cannot be estimated",
        hint="the firmware runs all the same: 'tinyperf console --virtual'; 'caches' in the chip's file says it",
    )
