"""A SoC is a table: memories, and a peripheral at each base address. One module per SoC, named as boards/*.yaml say."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.virtual.board.cpu import Memory
    from tinyperf.virtual.board.cycles import FlashCaches
    from tinyperf.virtual.board.decode import Core
    from tinyperf.virtual.board.peripherals import Host, Peripheral, Uart


class ClockTree:
    """What a SoC module tells of its clocks; `hz` names them as the peripherals of its table do."""

    def hz(self, name: str) -> int:
        """A clock in Hz: hclk (the core's), pclk1, tim1, a UART's kernel clock, ..."""
        raise NotImplementedError

    def flash_wait_states(self) -> int:
        """Wait states that the firmware has set."""
        raise NotImplementedError

    def voltage_range(self) -> int:
        """Core voltage range, 1 the highest; 0: range 1 boost."""
        raise NotImplementedError


@dataclass(frozen=True)
class Soc:
    """One chip. `at`: base address -> peripheral, each 0x400 bytes; `resets`: contents of read-only cells."""

    core: str
    pipeline: Core
    caches: FlashCaches
    cpuid: int
    interrupts: int
    memories: tuple[Memory, ...]
    devices: tuple[tuple[int, int], ...]
    at: Mapping[int, Peripheral]
    uarts: tuple[Uart, ...]
    clocks: ClockTree
    cells: Mapping[int, int]


def build(name: str, host: Host, edges: list[tuple[int, str, int]]) -> Soc:
    """The SoC of that name, wired to `host`.

    Raises: ContentError: the board file names a SoC that is not here.
    """
    known = sorted(p.stem for p in Path(__file__).parent.glob("stm32*.py"))
    if name not in known:
        raise ContentError(f"unknown SoC '{name}' for the virtual board", hint=f"known: {', '.join(known)}")
    found: Soc = importlib.import_module(f"tinyperf.virtual.board.chips.{name}").build(host, edges)
    return found
