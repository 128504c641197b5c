"""Cortex-M3, M4: in order, one instruction at a time, behind a queue of three fetched words.

Rules and their sources (TRM: Cortex-M4 Technical Reference Manual, DDI 0439, "Instruction set summary" and
"Load/store timings"; the same text stands in the Cortex-M3's):

- Data processing, multiplication, SIMD: 1. Division: 2 to 12 (TRM). Floating point: 1; VMLA and its kin 3; VDIV,
  VSQRT 14; VMOV of two core registers 2 (TRM).
- LDR: 2; 1 directly behind another single load (TRM), unless its address needs what that one loads, or the two meet
  different memories: then 2, and 1 more for the address. A load directly behind a store: 1 more. STR with an
  immediate offset: 1; with a register offset 2, or 1 behind a load (TRM).
  [github.com/jnk0le/random, "pipeline cycle test", measured on an STM32F407]
- LDRD, STRD: 3. LDM, STM, PUSH, POP, VLDM, VSTM of N words: 1 + N; VLDR, VSTR likewise. None is pipelined with its
  neighbours (TRM).
- A base update does not matter: the TRM has such loads "not normally pipelined", silicon has them like the others. A
  pre-indexed load that no load or store follows: 1 more (seen in one kernel of one vendor only).
- An address that the instruction just before has made: 1 more.
- Unaligned loads: a word at 4n+2 1 more, at an odd address 2; a halfword at an odd address 1 (TRM). Stores wait in the
  write buffer.
- The queue: one aligned word a cycle, three words [Arm, knowledge article ka8521]. A word asked for in one cycle can be
  decoded two later. The next word is asked for while there is room for it, and also where what decode takes just now
  makes room, unless an instruction of several cycles is executed; multiplications count as such
  [github.com/mimuw-distributed-systems-group/cmemu, measured on a Cortex-M3].
- Taken branches: the target is asked for while the branch is decoded: 1 + P with P of 1; BX 2, a load of PC 3 (TRM: 1
  to 3 by alignment and width of the target, which follows from the queue here).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from tinyperf.virtual.board.decode import LOADS, PC, STORES
from tinyperf.virtual.board.pipelines.model import Fetch, Waits, Walk

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tinyperf.chip import Block
    from tinyperf.cores import FetchQueue
    from tinyperf.virtual.board.decode import Instruction, Kind

WORDS = 3
"""Of the queue."""
CODE_REGION = 0x2000_0000
"""All below."""
BEHIND = -99
"""Before anything that matters."""
SEVERAL_CYCLES: frozenset[Kind] = frozenset(
    {"divide", "compare_branch", "table_branch", "fp_multiply_add", "fp_divide", "fp_move_two", "multiply"}
)
MEMORY: frozenset[Kind] = LOADS | STORES


class _Before(NamedTuple):
    """What matters of the instruction before. `place`: bits of the address that it met, -1 where not known."""

    kind: Kind
    loaded: int
    makes: int  # registers that it computed
    pre_indexed: bool
    place: int


class _State(NamedTuple):
    """The pipeline between two instructions; cycles count from the one in which the next may be executed.

    now: the first cycle whose fetch is not decided. held: halfwords in the queue. coming: words under way, as (cycle,
    halfwords). landing: nothing was asked for yet. busy_until: an instruction of several cycles is executed.
    """

    now: int
    held: int
    coming: tuple[tuple[int, int], ...]
    landing: bool
    busy_until: int
    before: _Before


NOTHING = _Before("nop", -1, 0, pre_indexed=False, place=-1)
LANDED = _State(-2, 0, (), landing=True, busy_until=BEHIND, before=NOTHING)


class FetchQueueModel:
    """See the module."""

    address_bits = 0xFFFF_0003
    landed: Hashable = LANDED
    banks = True
    settings: Hashable = None
    causes = frozenset(Waits._fields)

    def __init__(self, cycles: FetchQueue, memories: Sequence[Block]) -> None:
        """`memories`: of the chip; each has a port of its own, whatever the addresses at which it appears, but for
        those that lie in the code region, which share the D-Code bus (TRM, "Bus interfaces").
        """
        self._cycles = cycles
        self._memories = {
            page: number if block.origin >= CODE_REGION else 0
            for number, block in enumerate(memories)
            for origin in (block.origin, *block.aliases)
            for page in range(origin >> 16, (origin + block.bytes - 1 >> 16) + 1)
        }

    def walk(self, block: Sequence[Instruction], state: Hashable, places: Mapping[int, int]) -> Walk:
        start = cast("_State", state)
        queue = _Queue(start, block[0].address if block else 0)
        free, before = 0, start.before
        cycles, starts, waits = [0], [], []
        for position, one in enumerate(block):
            place = places.get(position, -1)
            pipelined, operands, buses = self._wait(one, before, place)
            earliest = free + operands + buses - pipelined
            begin = queue.issue(one, earliest)
            crossing = _unaligned(one.bytes, place) if one.kind == "load" else 0
            free = begin + self._length(one, before) + crossing
            fetched = begin - earliest
            landing = start.landing and position == 0
            waits.append(
                Waits(
                    queue=0 if landing else fetched,
                    branches=fetched if landing else 0,
                    operands=operands,
                    buses=buses + crossing,
                )
            )
            if one.kind in MEMORY or one.kind in SEVERAL_CYCLES:
                queue.busy_until = free
            starts.append(begin + 1)
            cycles.append(free)
            before = _Before(
                one.kind,
                one.loaded if not one.writes_pc else PC,
                0 if one.kind in MEMORY else one.writes,
                pre_indexed=one.kind == "load" and one.writeback and not one.post_indexed,
                place=place,
            )
        branch = self._branch(block[-1]) if block else 0
        return Walk(
            tuple(cycles),
            tuple(starts),
            tuple(queue.fetches),
            queue.state(free, before),
            LANDED,
            branch,
            waits=tuple(waits),
        )

    def _branch(self, last: Instruction) -> int:
        """Cycles that its target is later than that of a branch relative to PC, which the landing has in it."""
        if last.kind in {"load", "load_many", "table_branch"}:
            return self._cycles.load_pc - self._cycles.branch
        return self._cycles.branch_register - self._cycles.branch if last.kind == "indirect" else 0

    def _wait(self, one: Instruction, before: _Before, place: int) -> tuple[int, int, int]:
        """What it gains by what stands before it (1: pipelined with that load), and waits for operands and buses."""
        pipelined, operands, buses = 0, 0, 0
        needs_loaded = before.kind == "load" and before.loaded >= 0 and one.address_registers >> before.loaded & 1
        if before.kind == "load" and one.kind == "load" and before.loaded != PC:
            pipelined = 1
            if needs_loaded:
                operands = 2
            elif place >= 0 and before.place >= 0 and self._memory(place) != self._memory(before.place):
                buses = 1
        elif needs_loaded:
            operands = 1
        if before.pre_indexed and one.kind not in {"load", "store"}:
            operands += self._cycles.pre_indexed
        if before.makes & one.address_registers and one.base != PC:
            operands += self._cycles.address_stall
        if before.kind == "store" and one.kind in LOADS:
            buses += self._cycles.load_behind_store
        return pipelined, operands, buses

    def _memory(self, place: int) -> int:
        """The number of the memory there; all else (peripherals) is one more."""
        return self._memories.get(place >> 16, -1)

    def _length(self, one: Instruction, before: _Before) -> int:
        cycles, kind = self._cycles, one.kind
        if kind == "load":
            return 2
        if kind == "store":
            return cycles.register_store if one.index >= 0 and before.kind != "load" else 1
        if kind in {"load_double", "store_double"}:
            return 3
        if kind in {"load_many", "store_many", "fp_load", "fp_store"}:
            return 1 + one.words
        fixed = {
            "divide": cycles.divide,
            "fp_multiply_add": cycles.fp_multiply_add,
            "fp_divide": cycles.fp_divide,
            "fp_move_two": 2,
            "table_branch": 2,
        }
        return fixed.get(kind, 1)


def _unaligned(size: int, place: int) -> int:
    if place < 0 or size == 1:
        return 0
    if place & 1:
        return 2 if size == 4 else 1
    return 1 if place & 2 and size == 4 else 0


class _Queue:
    """Fetched halfwords, and words under way."""

    def __init__(self, state: _State, address: int) -> None:
        self.fetches: list[Fetch] = []
        self.busy_until = state.busy_until
        self._now, self._held, self._landing = state.now, state.held, state.landing
        self._coming = list(state.coming)
        self._odd = address & 2
        self._next = address + 2 * (state.held + sum(halfwords for _, halfwords in state.coming)) & ~3

    def state(self, free: int, before: _Before) -> _State:
        """As it is left, with cycles counted from `free`."""
        coming = tuple((cycle - free, halfwords) for cycle, halfwords in self._coming)
        busy = self.busy_until - free
        return _State(
            self._now - free, self._held, coming, self._landing, busy if busy > self._now - free else BEHIND, before
        )

    def issue(self, one: Instruction, earliest: int) -> int:
        """The cycle in which `one` is executed: not before `earliest`, nor the cycle after it could be decoded."""
        need, decoded = one.size // 2, False
        while True:
            while self._coming and self._coming[0][0] <= self._now:
                self._held += self._coming.pop(0)[1]
            if not decoded and self._held >= need:
                decoded = True
                earliest = max(earliest, self._now + 1)
            if decoded and self._now >= earliest:
                self._held -= need
                return earliest
            if self._asks(need, decoded=decoded):
                self._ask()
            self._now += 1

    def _asks(self, need: int, *, decoded: bool) -> bool:
        """Room for another word, each slot a halfword; what decode works on holds two."""
        if len(self._coming) >= WORDS:
            return False
        slots = (2 if self._held else 0) + max(self._held - 2, 0) + 2 * len(self._coming)
        if slots <= 4:
            return True
        if self._now < self.busy_until:
            return False
        freed = (2 if need == 2 or self._held == 1 else 1) if decoded else 2 - min(self._held, 2)
        return slots - freed <= 4

    def _ask(self) -> None:
        arrives = self._now + 2
        if self._coming and not self._landing:
            arrives = max(arrives, self._coming[-1][0] + 1)
        self.fetches.append(Fetch(self._next, self._now))
        self._coming.append((arrives, 1 if self._landing and self._odd else 2))
        self._landing = False
        self._next += 4
