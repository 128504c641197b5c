"""Cycles block by block: the detailed model of the virtual board.

Every basic block is decoded once and priced by the core's cycle model (pipelines.py); a hook at each block adds the
price, charges taken branches, and lets the chip's memory system (memory_system.py) follow code line by line, and data
by addresses that are computed from the registers at the block's start (Unicorn's memory hooks corrupt code).
docs/virtual_board.md says where each figure comes from and how well the estimate meets silicon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinyperf.virtual.board.decode import Disassembler, loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.virtual.board.cpu import Cpu
    from tinyperf.virtual.board.decode import Load
    from tinyperf.virtual.board.memory_system import MemorySystem
    from tinyperf.virtual.board.pipelines import CycleModel

WATCHED = 64
"""A load whose first so many reads were none that the memory system follows is left alone from then on; reading the
registers for it at every block would double the time of a detailed run."""


@dataclass
class PricedBlock:
    """One decoded block. `prices[i]`: cycles of its first i instructions; `jump`: more where a branch leads here.

    `code`, `literals`: lines of the memory system that it is fetched from, and that it reads relative to PC.
    """

    end: int
    addresses: tuple[int, ...]
    prices: tuple[int, ...]
    jump: int
    code: tuple[int, ...]
    literals: tuple[int, ...]
    loads: list[Load]


class DetailedModel:
    """Cycle model and memory system attached to a core: `begin`, run a quantum, `end`."""

    def __init__(self, cpu: Cpu, core: CycleModel, memory: MemorySystem) -> None:
        self.observer: Callable[[int, int, int], None] | None = None
        self.cycles = 0
        self.taken = 0
        self.memory = memory
        self._cpu, self._core = cpu, core
        self._disassembler = Disassembler()
        self._blocks: dict[int, PricedBlock] = {}
        self._expected = -1
        self._last: PricedBlock | None = None
        self._hook: int | None = None

    def attach(self) -> None:
        """Start to follow the core."""
        self._hook = self._cpu.hook_blocks(self._ran)

    def detach(self) -> None:
        """Leave the core to run fast."""
        if self._hook is not None:
            self._cpu.unhook(self._hook)
            self._hook = None

    def begin(self) -> None:
        """A quantum is about to run."""
        self.cycles = 0
        self._last = None

    def end(self) -> int:
        """The quantum is over: its cycles. What its last block was charged and did not run goes back."""
        last = self._last
        if last is not None:
            pc = self._cpu.pc()
            if last.addresses and last.addresses[0] <= pc < last.end:
                reached = sum(address < pc for address in last.addresses)
                self.cycles -= last.prices[-1] - last.prices[reached]
                self._expected = pc
        return self.cycles

    def _ran(self, _uc: Any, address: int, size: int, _data: Any) -> None:
        block = self._blocks.get(address)
        if block is None or block.end != address + size:
            block = self._decode(address, size)
        self._last = block
        cycles = block.prices[-1]
        if address != self._expected:
            self.taken += 1
            cycles += block.jump
        self._expected = block.end
        cycles += self.memory.fetch(block.code)
        if block.literals:
            cycles += self.memory.read(block.literals)
        if block.loads:
            cycles += self._follow(block)
        self.cycles += cycles
        if self.observer is not None:
            self.observer(address, len(block.addresses), cycles)

    def _decode(self, address: int, size: int) -> PricedBlock:
        view = self._cpu.view(address, size)
        instructions = self._disassembler.instructions(address, bytes(view) if view is not None else b"")
        code = self.memory.lines(address, size)
        literals = [one.literal for one in instructions if one.literal is not None] if code else []
        block = self._blocks[address] = PricedBlock(
            end=address + size,
            addresses=tuple(one.address for one in instructions),
            prices=self._core.price(instructions),
            jump=self._core.jump(instructions),
            code=code,
            literals=tuple(line for literal in literals for line in self.memory.lines(literal, 1)),
            loads=loads(instructions),
        )
        return block

    def _follow(self, block: PricedBlock) -> int:
        """The loads of a block, by the registers at its start."""
        regs = self._cpu.registers()
        memory = self.memory
        cycles, leave = 0, False
        for load in block.loads:
            address = regs[load.base] + load.offset & 0xFFFFFFFF
            if load.index >= 0:
                address = address + (regs[load.index] << load.shift) & 0xFFFFFFFF
            lines = memory.lines(address, load.bytes)
            if lines:
                load.unfollowed = -1
                cycles += memory.read(lines)
            elif load.unfollowed >= 0:
                load.unfollowed += 1
                leave = leave or load.unfollowed > WATCHED
        if leave:
            block.loads = [load for load in block.loads if load.unfollowed <= WATCHED]
        return cycles
