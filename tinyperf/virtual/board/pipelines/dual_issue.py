"""Cortex-M7: in order, two instructions at a time, an early and a late ALU, branches predicted.

Arm publishes no timings of this core. The rules are those of J = github.com/jnk0le/random, "pipeline cycle test",
cortex_m7.md, measured on an STM32H743; quinapalus.com/cm7cycles.html and github.com/slothy-optimizer/slothy,
cortex_m7.py, agree with it.

- Two instructions go in one cycle (the older, the younger), but for: two multiplications; two stores; a multiplication
  and a store; two loads of the same bank (bit 2 of their addresses); one of DSP and bit fields as the younger; two with
  a shifted operand or shifted constant; one of these behind a bit field, an extract-and-add or a pack; two of floating
  point; LDM, STM, LDRD, STRD, PUSH, POP, which go alone and take a cycle for two words (an even number of words stored
  at 8n+4: one more).
- Two stages compute. ADD, SUB, MOV as the older, shifts (neither beside a shifted operand), REV, RBIT and base updates
  do so in the early one, where their operands are there in time, and hand their result to the late stage of the same
  cycle and to the early one of the next; all else has its result a cycle later. The early stage takes: addresses,
  shifted operands, what UBFX, SBFX, REV, RBIT read, and what BFI, PKH and extract-and-add extract.
- A loaded word can be used in the next cycle, but not by what has an operand in the early stage, nor by a
  multiplication: one later. A byte, a halfword: one later than a word. A product: after 2; accumulators one earlier, so
  that they chain every cycle. A store takes any value of its own cycle.
- Loads that are not aligned: 3 more, 4 as the younger.
- A branch whose direction was predicted (two bits for each) costs nothing, and a taken one ends the pair. Predicted
  wrongly: 8, or 6 where the flags were set 3 cycles ahead. Where the target is read from a register or from memory: 2.
- Floating point: after 3; multiply-accumulate after 5, as an accumulator after 3.
- What an IT block skips takes what it would have taken.

Not in it: the store buffer, which five stores in a row may fill, and that short instructions pair better than wide
ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from tinyperf.virtual.board.decode import BRANCHES, EXTEND_ADD, EXTENDS, FIELDS, LOADS, SHIFTS, STORES
from tinyperf.virtual.board.pipelines.model import Fetch, Waits, Walk

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tinyperf.cores import DualIssue
    from tinyperf.virtual.board.decode import Instruction, Kind

FULL = ""
"""No instruction can join the pair."""
ALONE: frozenset[Kind] = frozenset({"load_many", "store_many", "load_double", "store_double", "divide", "fp_move_two"})
FLOATING: frozenset[Kind] = frozenset({"fp", "fp_multiply_add", "fp_divide"})
REVERSED = {"rev", "rev16", "revsh", "rbit"}
EARLY_READS = REVERSED | {"ubfx", "sbfx"}
PACKS = {"pkhbt", "pkhtb"}
LAST_READ_EARLY = EXTEND_ADD | PACKS | {"bfi"}
NOT_BEFORE_SHIFTED = EARLY_READS | LAST_READ_EARLY | {"bfc"}
DSP = (
    NOT_BEFORE_SHIFTED
    | EXTENDS
    | FIELDS
    | {"ssat", "usat", "ssat16", "usat16", "clz", "sel"}
    | {f"{how}{what}" for how in ("s", "u", "q", "sh", "uh", "uq") for what in ("add8", "add16", "sub8", "sub16")}
    | {f"{how}{what}" for how in ("s", "u", "q", "sh", "uh", "uq") for what in ("asx", "sax")}
    | {"qadd", "qsub", "qdadd", "qdsub"}
)
EARLY_ADDS = {"add", "adds", "addw", "sub", "subs", "subw", "mov", "movs", "movw", "movt"}
EARLY_SHIFTS = SHIFTS - {"rrx"}
FLAGS_AHEAD = 3


class _There(NamedTuple):
    """The cycle in which a register can be used: in the late stage, by what also reads in the early one, in the early
    stage, as a factor."""

    late: int
    beside_early: int
    early: int
    factor: int


class _State(NamedTuple):
    """Cycles count from the one after the last in which something was issued. `older`: what may still be joined by a
    younger, and bits of the address that it meets. `fp`: as `late`, of registers s0 to s31 when added to and else."""

    older: str
    place: int
    late: tuple[tuple[int, _There], ...]
    fp: tuple[tuple[int, int, int], ...]
    flags: int


LANDED = _State(FULL, -1, (), (), -FLAGS_AHEAD)


class DualIssueModel:
    """See the module."""

    address_bits = 0xFFFF_0007
    landed: Hashable = LANDED
    banks = True
    settings: Hashable = None
    causes = frozenset(Waits._fields) - {"queue"}

    def __init__(self, cycles: DualIssue) -> None:
        self._cycles = cycles

    def walk(self, block: Sequence[Instruction], state: Hashable, places: Mapping[int, int]) -> Walk:
        pipeline = _Pipeline(self._cycles, cast("_State", state))
        cycles, starts, waits = [0], [], []
        fetches: list[Fetch] = []
        for position, one in enumerate(block):
            waits.append(pipeline.issue(one, places.get(position, -1)))
            starts.append(pipeline.begun)
            fetches.append(Fetch(one.address, cycles[-1]))
            if one.size == 4:
                fetches.append(Fetch(one.address + 2, cycles[-1]))
            cycles.append(pipeline.now + 1)
        if not block:
            return Walk((0,), (), (), state, LANDED)
        last = block[-1]
        return Walk(
            tuple(cycles),
            tuple(starts),
            tuple(fetches),
            pipeline.state(),
            pipeline.state()._replace(older=FULL, place=-1),
            self._cycles.indirect if last.kind not in {"branch", "conditional", "call", "compare_branch"} else 0,
            pipeline.mispredicted(last),
            waits=tuple(waits),
        )


class _Pipeline:
    """One walk through a block. `now`: the cycle of the last issue; `begun`: that in which it began."""

    def __init__(self, cycles: DualIssue, state: _State) -> None:
        self._cycles = cycles
        self.now = self.begun = -1
        self._older, self._place, self._flags = state.older, state.place, state.flags
        self._there = dict(state.late)
        self._fp = {register: (added, other) for register, added, other in state.fp}

    def issue(self, one: Instruction, place: int) -> Waits:
        """In the cycle of the one before, where both may go and all that it reads is there; else in a later one.

        What it waits for: operands also where they keep it out of the pair; a bus where the other load of a pair has
        its bank.
        """
        what = _what(one)
        needed = self._needed(one, what)
        joins = self._joins(what, place)
        younger = needed <= self.now and joins
        operands = max(needed - self.now - (not joins), 0)
        buses = int(not joins and what == "load" == self._older and needed <= self.now)
        if not younger:
            self.now = max(self.now + 1, needed)
        self.begun = self.now
        unaligned = one.kind == "load" and place >= 0 and place & (one.bytes - 1)
        if unaligned:
            self.now += self._cycles.unaligned + younger
            buses += self._cycles.unaligned
        elif what == "alone":
            self.now += self._length(one, place) - 1
        self._results(one, what, older=not younger)
        full = younger or what == "alone" or unaligned
        self._older, self._place = (FULL, -1) if full else (what, place)
        return Waits(operands=operands, buses=buses)

    def state(self) -> _State:
        """With cycles counted from the next."""
        base = self.now + 1
        late = tuple(
            (register, _There(*(max(cycle - base, -1) for cycle in there)))
            for register, there in sorted(self._there.items())
            if max(there) > base
        )
        fp = tuple(
            (register, max(added - base, 0), max(other - base, 0))
            for register, (added, other) in sorted(self._fp.items())
            if max(added, other) > base
        )
        return _State(self._older, self._place, late, fp, max(self._flags - base, -FLAGS_AHEAD - 1))

    def mispredicted(self, last: Instruction) -> int:
        """What the branch at the end costs where it was predicted wrongly; 0: it always goes the same way."""
        if last.kind == "compare_branch":
            return self._cycles.mispredicted
        if last.kind != "conditional" and not (last.reads_flags and last.kind in BRANCHES):
            return 0
        ahead = self.begun - self._flags >= FLAGS_AHEAD
        return self._cycles.mispredicted - self._cycles.flags_ahead * ahead

    def _needed(self, one: Instruction, what: str) -> int:
        early = _early(one)
        column = 1 if early else 0
        needed = -1
        if one.kind in FLOATING or one.kind in {"fp_move_two", "fp_store"}:
            needed = self._needed_fp(one)
        reads = one.reads & ~one.stored | one.address_registers
        if what == "branch":
            reads, early = reads & 0x7FFF, reads
        for register, there in self._there.items():
            if early >> register & 1:
                needed = max(needed, there.early)
            elif what == "multiply":
                if one.accumulates >> register & 1:
                    needed = max(needed, there.factor - 1)
                elif reads >> register & 1:
                    needed = max(needed, there.factor)
            elif (reads | one.accumulates) >> register & 1:
                needed = max(needed, there[column])
        return needed

    def _needed_fp(self, one: Instruction) -> int:
        needed = -1
        for register, (added, other) in self._fp.items():
            if one.fp_reads >> register & 1 and one.kind != "fp_store":
                accumulates = one.kind == "fp_multiply_add" and one.fp_writes >> register & 1
                needed = max(needed, added if accumulates else other)
        return needed

    def _joins(self, what: str, place: int) -> bool:
        """Whether it may go with the older one in its cycle."""
        older = self._older
        if older == FULL or what in {"alone", "dsp", "field"}:
            return False
        if older == what:
            if what == "load":
                return place >= 0 and self._place >= 0 and bool((place ^ self._place) & 4)
            return what not in {"multiply", "store", "shifted", "fp", "branch"}
        if what == "shifted":
            return older != "field"
        return {older, what} != {"multiply", "store"}

    def _length(self, one: Instruction, place: int) -> int:
        """Of one that goes alone."""
        if one.kind == "divide":
            return self._cycles.divide
        if one.kind == "fp_move_two":
            return 1
        misplaced = one.kind == "store_many" and one.words % 2 == 0 and place >= 0 and place & 4 != 0
        return max((one.words + 1) // 2, 1) + misplaced

    def _results(self, one: Instruction, what: str, *, older: bool) -> None:
        now = self.now
        there = self._latency(one, what, older=older)
        base = 1 << one.base if one.writeback and one.base >= 0 else 0
        for register in range(15):
            if base >> register & 1:
                self._there[register] = _There(self.begun, self.begun, self.begun + 1, self.begun + 1)
            elif one.writes >> register & 1:
                self._there[register] = there
        if one.sets_flags:
            self._flags = self.begun
        if one.fp_writes:
            added, other = {"fp_multiply_add": (3, 5), "fp": (2, 3)}.get(one.kind, (3, 1))
            if one.kind == "fp_divide":
                added = other = self._cycles.fp_divide
            for register in range(32):
                if one.fp_writes >> register & 1:
                    self._fp[register] = now + added, now + other

    def _latency(self, one: Instruction, what: str, *, older: bool) -> _There:
        now = self.now
        if what == "multiply":
            return _There(now + 2, now + 2, now + 3, now + 2)
        if one.kind in LOADS:
            if one.kind == "load" and one.bytes < 4:
                return _There(now + 2, now + 2, now + 3, now + 2)
            return _There(now + 1, now + 2, now + 2, now + 2)
        if self._goes_early(one, what, older=older):
            return _There(now, now, now + (2 if one.name in REVERSED else 1), now + 1)
        return _There(now + 1, now + 1, now + 2, now + 1)

    def _goes_early(self, one: Instruction, what: str, *, older: bool) -> bool:
        """It is computed in the early stage."""
        if one.name in REVERSED:
            return True
        if not (what == "shift" or (older and what == "alu" and one.name in EARLY_ADDS)):
            return False
        return all(there.early <= self.now for register, there in self._there.items() if one.reads >> register & 1)


def _what(one: Instruction) -> str:
    """What the pairing rules call it."""
    kind = one.kind
    if kind in ALONE or (kind in {"fp_load", "fp_store"} and one.words > 1):
        return "alone"
    if kind in BRANCHES:
        return "branch"
    if kind in FLOATING:
        return "fp"
    if kind in {"load", "fp_load"}:
        return "load"
    if kind in {"store", "fp_store"}:
        return "store"
    if kind != "alu":
        return kind
    if one.name in NOT_BEFORE_SHIFTED:
        return "field"
    if one.name in DSP:
        return "dsp"
    if one.name in EARLY_SHIFTS:
        return "shift"
    return "shifted" if one.shifted or one.wide_constant else "alu"


def _early(one: Instruction) -> int:
    """Registers that it needs in the early stage."""
    if one.kind in LOADS or one.kind in STORES or one.kind == "table_branch":
        return one.address_registers
    if one.name in EARLY_READS:
        return one.reads
    if one.name in LAST_READ_EARLY or one.shifted:
        return one.last_read
    return 0
