"""Cycles of a Cortex-M core with flash caches, block by block: the detailed model of the virtual board.

Every basic block is decoded once with Capstone and priced by the documented pipeline; a hook at each block adds the
price, follows the instruction cache line by line, charges taken branches, and follows the data cache for reads of
flash, whose addresses it computes from the registers at the block's start (Unicorn's memory hooks corrupt code).
docs/virtual_board.md says where each figure comes from and how well the estimate meets silicon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinyperf.virtual.board.decode import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.chip import FlashCaches
    from tinyperf.cores import SingleIssue
    from tinyperf.virtual.board.cpu import Cpu
    from tinyperf.virtual.board.decode import Block

WATCHED = 64
"""A load whose first so many reads all met RAM is taken to read RAM from then on; reading the registers for it at
every block would double the time of a detailed run."""


def miss(caches: FlashCaches, wait_states: int, *, sequential: bool, code: bool) -> int:
    """Cycles that one missing line holds the core up."""
    if not sequential:
        return caches.reads * wait_states + caches.restart
    return (caches.reads - 1 if code else caches.reads) * wait_states


@dataclass
class Counts:
    """What happened in detail since power-on, besides cycles."""

    taken: int = 0
    code_misses: int = 0
    code_sequential: int = 0
    data_misses: int = 0
    data_sequential: int = 0


class Pipeline:
    """The model attached to a core: `begin`, run a quantum, `end`."""

    def __init__(
        self,
        cpu: Cpu,
        core: SingleIssue,
        caches: FlashCaches,
        *,
        flash: tuple[int, int],
        wait_states: Callable[[], int],
    ) -> None:
        self.cpu, self.core, self.caches, self.wait_states = cpu, core, caches, wait_states
        self.observer: Callable[[int, int, int], None] | None = None
        self.decoder = Decoder(core, caches.line_bytes)
        self.cycles = 0
        self.counts = Counts()
        self._flash_start, self._flash_end = flash
        self._blocks: dict[int, Block] = {}
        self._expected = -1
        self._last: Block | None = None
        self._code: dict[int, None] = {}
        self._data: dict[int, None] = self._code if caches.shared else {}
        self._line = -1
        self._last_code_miss = self._last_data_miss = -2
        self._hook: int | None = None

    def attach(self) -> None:
        """Start to follow the core."""
        self._hook = self.cpu.hook_blocks(self._block)

    def detach(self) -> None:
        """Leave the core to run fast."""
        if self._hook is not None:
            self.cpu.unhook(self._hook)
            self._hook = None

    def begin(self) -> None:
        self.cycles = 0
        self._last = None

    def end(self) -> int:
        """The quantum is over: its cycles. What its last block was charged and did not run goes back."""
        last = self._last
        if last is not None:
            pc = self.cpu.pc()
            if last.addresses and last.addresses[0] <= pc < last.end:
                reached = sum(address < pc for address in last.addresses)
                self.cycles -= last.prices[-1] - last.prices[reached]
                self._expected = pc
        return self.cycles

    def _block(self, _uc: Any, address: int, size: int, _data: Any) -> None:
        block = self._blocks.get(address)
        if block is None or block.end != address + size:
            block = self._decode(address, size)
        self._last = block
        cycles = block.prices[-1]
        if address != self._expected:
            self.counts.taken += 1
            cycles += self.core.branch + block.target_stall
        self._expected = block.end
        code = self._code
        for line in block.lines:
            if line == self._line:
                continue
            self._line = line
            if line in code:
                del code[line]
                code[line] = None
            else:
                cycles += self._code_miss(line)
        for line in block.literals:
            cycles += self._data_read(line)
        if block.loads:
            cycles += self._flash_loads(block)
        self.cycles += cycles
        if self.observer is not None:
            self.observer(address, len(block.addresses), cycles)

    def _decode(self, address: int, size: int) -> Block:
        view = self.cpu.view(address, size)
        block = self.decoder.block(address, bytes(view) if view is not None else b"")
        if not self._flash_start <= address < self._flash_end:
            block.lines, block.literals = (), ()  # code in SRAM: no flash, no cache
        self._blocks[address] = block
        return block

    def _code_miss(self, line: int) -> int:
        code = self._code
        code[line] = None
        if len(code) > self.caches.code_lines:
            del code[next(iter(code))]
        self.counts.code_misses += 1
        sequential = line == self._last_code_miss + 1
        self._last_code_miss = line
        self.counts.code_sequential += sequential
        return miss(self.caches, self.wait_states(), sequential=sequential, code=True)

    def _data_read(self, line: int) -> int:
        data = self._data
        if line in data:
            del data[line]
            data[line] = None
            return 0
        data[line] = None
        if len(data) > (self.caches.code_lines if self.caches.shared else self.caches.data_lines):
            del data[next(iter(data))]
        self.counts.data_misses += 1
        sequential = line == self._last_data_miss + 1
        self._last_data_miss = line
        self.counts.data_sequential += sequential
        return miss(self.caches, self.wait_states(), sequential=sequential, code=False)

    def _flash_loads(self, block: Block) -> int:
        regs = self.cpu.registers()
        cycles, quiet = 0, 0
        start, end, width = self._flash_start, self._flash_end, self.caches.line_bytes
        for load in block.loads:
            address = regs[load.base] + load.offset & 0xFFFFFFFF
            if load.index >= 0:
                address = address + (regs[load.index] << load.shift) & 0xFFFFFFFF
            if start <= address < end:
                load.quiet = -1
                for line in range(address // width, (address + load.bytes - 1) // width + 1):
                    cycles += self._data_read(line)
            elif load.quiet >= 0:
                load.quiet += 1
                quiet += load.quiet > WATCHED
        if quiet:
            block.loads = [load for load in block.loads if load.quiet <= WATCHED]
        return cycles
