"""Loads and stores outside the core's memories, led to the peripheral at their address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tinyperf.virtual.board.peripherals import Host
    from tinyperf.virtual.board.scs import Scs

SCS = 0xE000_E000
PRIVATE = 0xE000_0000
"""From here on (the private peripheral bus) a block is 0x400 bytes on every chip."""


class Bus:
    """One chip's peripherals by address. `block_bytes`: how far apart they lie; what nobody describes is storage.

    `view`: memory at an address, None where there is none. `written`: told of each store to a peripheral, and whether
    it went to the system control space.
    """

    def __init__(
        self,
        host: Host,
        at: Mapping[int, Peripheral],
        scs: Scs,
        *,
        view: Callable[[int, int], memoryview | None],
        block_bytes: int,
        written: Callable[[bool], None],
    ) -> None:
        self._host, self._scs, self._view, self._written = host, scs, view, written
        self._mask = ~(block_bytes - 1)
        self._blocks = dict(at)
        self._last_read: int | None = None

    def peripherals(self) -> Iterable[Peripheral]:
        """Every one that has been described or touched."""
        return self._blocks.values()

    def peripheral(self, address: int) -> Peripheral:
        """Whose register lies there."""
        return self._block(address)[2]

    def take_last_read(self) -> int | None:
        """Address of the register that was read last since this was asked before; None: none was."""
        address, self._last_read = self._last_read, None
        return address

    def read(self, address: int, width: int) -> int:
        """A load; less than a word takes its bytes of the word."""
        memory = self._view(address, width)
        return int.from_bytes(memory, "little") if memory is not None else self.load(address, width)

    def load(self, address: int, width: int) -> int:
        """As `read`, of a peripheral."""
        self._last_read = address
        _, offset, block = self._block(address & ~3)
        word = block.read(offset) & 0xFFFF_FFFF
        return word >> 8 * (address & 3) & ((1 << 8 * width) - 1)

    def write(self, address: int, width: int, value: int) -> None:
        """A store."""
        memory = self._view(address, width)
        if memory is not None and not memory.readonly:
            memory[:] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
        else:
            self.store(address, width, value)

    def store(self, address: int, width: int, value: int) -> None:
        """As `write`, to a peripheral."""
        base, offset, block = self._block(address & ~3)
        if width < 4:
            shift = 8 * (address & 3)
            mask = ((1 << 8 * width) - 1) << shift
            # Write-only data registers see the byte itself; control registers keep their other bytes.
            value = (
                block.regs.get(offset, 0) & ~mask | value << shift & mask if shift or offset in block.regs else value
            )
        block.write(offset, value)
        self._written(base == SCS)

    def _block(self, address: int) -> tuple[int, int, Peripheral]:
        if address >> 12 == SCS >> 12:
            return SCS, address & 0xFFF, self._scs
        base = address & (self._mask if address < PRIVATE else ~0x3FF)
        block = self._blocks.get(base)
        if block is None:
            block = self._blocks[base] = Peripheral(self._host)
        return base, address - base, block
