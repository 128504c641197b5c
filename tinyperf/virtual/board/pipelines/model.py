"""What a cycle model of a core is: what a block of instructions takes, apart from what memory adds to it.

A model is a function of the
block, of the state in which the pipeline meets it, and of where the block's accesses go: its results are kept, so that
a block is walked once for each of the few states in which it is ever met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tinyperf.virtual.board.decode import Instruction

VERSION = 4
"""To be raised with every change of what a cycle model or a memory system counts: calibrations are kept under it."""


class Fetch(NamedTuple):
    """The core asks for instructions at `address` when so many cycles of the block have passed.

    after_read: only after what the block reads in that cycle.
    """

    address: int
    cycle: int
    after_read: bool = False


class Waits(NamedTuple):
    """Cycles in which the core does nothing, by what it waits for.

    queue: instructions that are not fetched yet. buses: an access that another one is in the way of, or that is not
    aligned. branches: from a taken branch to its target, mispredictions among them. operands: results of instructions
    before. flash_code, flash_data: memory, of code and of data; where RAM is cached, also for RAM.
    """

    queue: int = 0
    buses: int = 0
    branches: int = 0
    operands: int = 0
    flash_code: int = 0
    flash_data: int = 0

    def plus(self, other: Waits, times: int = 1) -> Waits:
        return Waits(*(a + times * b for a, b in zip(self, other, strict=True)))


NO_WAITS = Waits()


@dataclass(frozen=True)
class Walk:
    """A block, walked once.

    cycles:  of its first 0, 1, 2, ... instructions, so that a part of a block can be taken back.
    starts:  the cycle in which each instruction's access to memory reaches the bus.
    fetches: in order of time; those that the block before had asked for are not among them.
    falls:   the state in which the pipeline meets what stands behind the block.
    lands:   the state in which it meets the target of the branch at the block's end.
    branch:  cycles more where that branch is taken.
    meets:   an access went to a memory that the walk depends on, by an address that may differ the next time.
    mispredicted: cycles more where it was predicted wrongly, and the pipeline lands anew; 0: it is not predicted.
    waits:   of each instruction, what is waiting of its cycles.
    """

    cycles: tuple[int, ...]
    starts: tuple[int, ...]
    fetches: tuple[Fetch, ...]
    falls: Hashable
    lands: Hashable
    branch: int = 0
    mispredicted: int = 0
    meets: bool = False
    waits: tuple[Waits, ...] = ()


class CycleModel(Protocol):
    """One kind of pipeline.

    address_bits: those bits of the address of an access that the walk depends on: which memory, and the alignment.
    landed: the state in which the target of an exception, or of a branch that nobody saw, is met.
    banks: whether it matters which RAM an access meets; else only code, flash and alignment do.
    settings: what else the walks depend on; where it changes, those of before hold no more.
    causes: fields of Waits that the model tells apart; of the others it counts nothing, or has them in the work.
    """

    address_bits: int
    landed: Hashable
    banks: bool
    causes: frozenset[str]

    @property
    def settings(self) -> Hashable: ...

    def walk(self, block: Sequence[Instruction], state: Hashable, places: Mapping[int, int]) -> Walk:
        """`state`: as a walk has left it. `places`: by the instruction's position in the block, the known bits of the
        address that it accesses."""
