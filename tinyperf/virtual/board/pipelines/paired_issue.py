"""Cortex-M33: in order, one instruction at a time but for pairs of 16-bit ones; results that come a cycle late.

Arm publishes no timings of this core. Rules and their sources: J = github.com/jnk0le/random, "pipeline cycle test",
cortex_m33.md, and S = github.com/slothy-optimizer/slothy, cortex_m33.py, both measured on the RP2350; E =
elektroniknet.de, "Cortex-M23 und -M33"; TRM = Arm 100230.

- One cycle each, results after 1 (S, J). Results after 2: MUL and its kin, SXTAB and its kin, operands shifted by LSR,
  ASR, ROR, constants that are no pattern of bytes, DSP and SIMD. An accumulator takes the first three after 1; DSP and
  SIMD forward nothing (J, S). MULS and flag-setting shifted constants: 2 cycles (J).
- LDR: 1 cycle, value after 2; after 1 as an accumulator or a stored value (J). STR 1. A base update: after 1. No hazard
  between loads and stores (S). LDRD, STRD 2, LDM, STM, PUSH, POP of N words N (J); word k of an LDM is there 2 cycles
  after its own (seen on images of X-CUBE-AI).
- A 16-bit B, Bcc, CBZ, BX, IT or NOP goes with the 16-bit instruction before it, which must be no branch and half of
  no other pair (J; TRM A1.4.1, "limited dual-issue"; E).
- A taken branch: 2; 1 as half of a pair, unless the other half sets its flags (J). A load of PC: 2 behind the load.
- Fetch: one word a cycle; asked for in one cycle, it can be executed two later; a queue of five halfwords (E).
- One bus for code and data below 0x2000_0000: a load from there takes a fetch's cycle.
- A word that crosses a word, a halfword that crosses one: 1 more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from tinyperf.virtual.board.decode import (
    BRANCHES,
    EXTEND_ADD,
    LOADS,
    STORES,
)
from tinyperf.virtual.board.pipelines.model import Fetch, Waits, Walk

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tinyperf.cores import PairedIssue
    from tinyperf.virtual.board.decode import Instruction, Kind

QUEUE = 5
"""Halfwords."""
AHEAD = 8
"""Bytes of code that are asked for by the time a load of the code region has its bus."""
UNUSED = 1 << 60
BEHIND = -100
DATA_BUS = 0x2000_0000
"""From here on data has a bus of its own."""
PAIRED: frozenset[Kind] = frozenset({"branch", "conditional", "compare_branch", "nop", "it", "indirect"})
DSP = {
    *("sadd16", "sadd8", "ssub16", "ssub8", "uadd16", "uadd8", "usub16", "usub8", "qadd", "qsub", "qdadd", "qdsub"),
    *("qadd16", "qadd8", "qsub16", "qsub8", "pkhbt", "pkhtb", "sel", "shadd16", "shadd8", "uhadd8", "uhadd16"),
    *("uqadd8", "uqadd16", "uqsub8", "uqsub16", "ssat", "usat", "ssat16", "usat16", "sasx", "ssax", "qasx", "qsax"),
}


class _Fetched(NamedTuple):
    """Of the fetch unit: when the words ahead can be executed, when the last was asked for, when the last halfwords
    were taken, which cycles data has the bus, and how many halfwords ago it began."""

    words: tuple[int, ...]
    asked: int
    taken: tuple[int, ...]
    data: tuple[tuple[int, int], ...]
    behind: int


class _State(NamedTuple):
    """Cycles count from the one in which the next instruction may be executed. `late`: registers whose values come
    later: (register, for any use, as an accumulator, as a stored value). fetched: None where nothing was asked for."""

    late: tuple[tuple[int, int, int, int], ...]
    flags: int
    pairable: bool
    last: int
    fetched: _Fetched | None


LANDED = _State((), 0, pairable=False, last=-1, fetched=None)


class PairedIssueModel:
    """See the module."""

    address_bits = 0xE000_0003
    landed: Hashable = LANDED
    banks = False
    settings: Hashable = None
    causes = frozenset(Waits._fields)

    def __init__(self, cycles: PairedIssue) -> None:
        self._cycles = cycles

    def walk(self, block: Sequence[Instruction], state: Hashable, places: Mapping[int, int]) -> Walk:
        pipeline = _Pipeline(self._cycles, cast("_State", state), block[0].address if block else 0)
        cycles, starts, waits = [0], [], []
        for position, one in enumerate(block):
            starts.append(pipeline.free)
            waits.append(pipeline.issue(one, places.get(position, -1)))
            cycles.append(pipeline.free)
        if not block:
            return Walk((0,), (), (), LANDED, LANDED)
        last = block[-1]
        end = last.address + last.size
        fetches: list[Fetch] = []
        for position, one in enumerate(block):
            fetches.append(Fetch(one.address, cycles[position]))
            if places.get(position, DATA_BUS) < DATA_BUS and one.kind not in STORES:
                fetches.append(Fetch(min(one.address + AHEAD, end - 2), cycles[position], after_read=True))
        leaves = last.kind in BRANCHES or last.writes_pc
        target = pipeline.target if leaves else pipeline.free
        lands = pipeline.late(target)
        branch = target - pipeline.free
        falls = pipeline.falls(end)
        return Walk(tuple(cycles), tuple(starts), tuple(fetches), falls, lands, branch, waits=tuple(waits))


class _Pipeline:
    """One walk through a block; all cycles count from its start."""

    def __init__(self, cycles: PairedIssue, state: _State, address: int) -> None:
        self._costs = cycles
        self.free = 0  # the next instruction may be executed then
        self.target = 0  # a branch's, likewise
        self._any, self._sum, self._store = [0] * 16, [0] * 16, [0] * 16  # when each register is there
        for register, anywhere, accumulator, stored in state.late:
            self._any[register], self._sum[register], self._store[register] = anywhere, accumulator, stored
        self._flags, self._last, self._pairable = state.flags, state.last, state.pairable
        self._fetch = _FetchUnit(state.fetched, address)
        if self._fetch.landing:
            self._last, self._pairable = -1, False

    def issue(self, one: Instruction, place: int) -> Waits:
        """Execute `one`; what it waits for."""
        landing = self._fetch.landing
        ready = self._fetch.ready(one)
        start, paired, free = self.free, False, self.free
        if self._pairable and one.size == 2 and one.kind in PAIRED and ready <= self._last:
            start, paired = self._last, True
        alone = start
        start = max(start, ready)
        needed = self._needed(one, paired=paired)
        if needed > start:
            paired = paired and needed <= alone
            start = needed
        wait = self._bus(one, place, start)
        length = self._length(one)
        last = start + length + wait - 1
        self._results(one, start, last)
        self._fetch.take(one, start)
        self.target = self._resolved(one, start, last) + 1
        self.free = max(self.free, start + 1) if paired else last + 1
        branch = one.kind in BRANCHES
        self._pairable = one.size == 2 and not paired and not branch and one.kind not in {"it", "nop"}
        self._last = last
        fetched = 0 if paired else max(min(ready, start) - free, 0)
        operands = 0 if paired else start - free - fetched
        return Waits(
            queue=0 if landing else fetched,
            branches=fetched if landing else 0,
            operands=operands,
            buses=min(wait, self.free - free) if paired else wait,
        )

    def late(self, base: int) -> _State:
        """The state at the target of a branch that is executed in cycle `base`."""
        return _State(self._registers(base), max(self._flags - base, 0), pairable=False, last=-1, fetched=None)

    def falls(self, end: int) -> _State:
        """The state behind the block, which ends at address `end`."""
        base = self.free
        fetched = self._fetch.state(base, end)
        last = max(self._last - base, -3)
        return _State(self._registers(base), max(self._flags - base, 0), self._pairable, last, fetched)

    def _registers(self, base: int) -> tuple[tuple[int, int, int, int], ...]:
        return tuple(
            (n, max(self._any[n] - base, 0), max(self._sum[n] - base, 0), max(self._store[n] - base, 0))
            for n in range(15)
            if self._any[n] > base
        )

    def _needed(self, one: Instruction, *, paired: bool) -> int:
        """When all that it reads is there."""
        needed = 0
        store = one.kind in STORES
        reads = one.reads if one.kind == "compare_branch" else one.reads & ~one.stored | one.address_registers
        for register in range(15):
            if reads >> register & 1:
                needed = max(needed, self._any[register])
            if one.accumulates >> register & 1:
                needed = max(needed, self._sum[register])
            if store and one.stored >> register & 1:
                needed = max(needed, self._store[register])
        if one.reads_flags and one.kind != "conditional" and not paired:
            needed = max(needed, self._flags)
        return needed

    def _bus(self, one: Instruction, place: int, start: int) -> int:
        """Cycles that its access waits for the bus, or for a second half."""
        if place < 0:
            return 0
        crosses = (one.bytes == 4 and place & 3 != 0) or (one.bytes == 2 and place & 3 == 3)
        crosses = crosses and one.kind in {"load", "store"}
        if (one.kind not in LOADS and one.kind != "table_branch") or place >= DATA_BUS:
            return int(crosses)
        words = 2 if crosses else max(1, one.words)
        return self._fetch.give_way(one, start, words) + crosses

    def _length(self, one: Instruction) -> int:
        kind = one.kind
        if kind in {"load_many", "store_many", "fp_load", "fp_store", "load_double", "store_double"}:
            return one.words
        if kind == "divide":
            return self._costs.divide
        if kind == "fp_divide":
            return self._costs.fp_divide
        if kind == "table_branch":
            return 2
        return 2 if one.sets_flags and (kind == "multiply" or one.wide_constant) else 1

    def _results(self, one: Instruction, start: int, last: int) -> None:
        anywhere, accumulator, stored = _latency(one)
        base = 1 << one.base if one.writeback and one.base >= 0 else 0
        written = one.writes & ~base & 0x7FFF
        count, k = written.bit_count(), 0
        for register in range(15):
            if written >> register & 1:
                end = last
                if one.kind in {"load_many", "load_double"}:
                    end = last - (count - 1 - k) - one.writes_pc
                k += 1
                self._any[register] = end + anywhere
                self._sum[register] = end + accumulator
                self._store[register] = end + stored
            if base >> register & 1:
                self._any[register] = self._sum[register] = self._store[register] = start + 1
        if one.sets_flags:
            self._flags = last + 1 + (one.shifted == "other")

    def _resolved(self, one: Instruction, start: int, last: int) -> int:
        """When the target of a branch is known."""
        if one.kind == "conditional":
            return max(start, self._flags)
        if one.kind in {"load_many", "load"}:
            return last + 2
        return last + 3 if one.kind == "table_branch" else start


def _latency(one: Instruction) -> tuple[int, int, int]:
    """Cycles to its result: for any use, as an accumulator, as a stored value."""
    if one.kind in LOADS or one.kind == "multiply" or one.name in EXTEND_ADD:
        return 2, 1, 1
    if one.kind == "alu":
        if one.name in DSP:
            return 2, 2, 2
        if one.shifted == "other" or one.wide_constant:
            return 2, 1, 1
    return 1, 1, 1


class _FetchUnit:
    """Words by their number, halfwords by theirs; `landing`: nothing was asked for yet."""

    def __init__(self, state: _Fetched | None, address: int) -> None:
        self.landing = state is None
        self._first = address >> 1
        self._ready: dict[int, int] = {}
        self._taken: dict[int, int] = {}
        self._data: list[tuple[int, int]] = []
        self._asked, self._next = -1, address >> 2
        if state is None:
            return
        word = address >> 2
        self._asked, self._next = state.asked, word + len(state.words)
        self._ready = {word + k: cycle for k, cycle in enumerate(state.words)}
        first = address >> 1
        self._first = first - state.behind
        self._taken = {first - 1 - k: cycle for k, cycle in enumerate(state.taken)}
        self._taken |= dict.fromkeys(range(first, 2 * self._next), UNUSED)
        self._data = list(state.data)

    def ready(self, one: Instruction) -> int:
        """When all of it is there."""
        first, last = one.address >> 2, one.address + one.size - 1 >> 2
        while self._next <= last:
            self._ask(UNUSED, one.address)
        return max(self._ready[first], self._ready[last])

    def take(self, one: Instruction, cycle: int) -> None:
        """It leaves the queue."""
        for halfword in range(one.address >> 1, one.address + one.size >> 1):
            self._taken[halfword] = cycle

    def give_way(self, one: Instruction, start: int, words: int) -> int:
        """Data takes the bus for `words` cycles, once the word that is asked for before is there; the wait."""
        while self._ask(start, one.address):
            pass
        self._taken[one.address >> 1] = start
        begin = max(start, self._asked + 1) if self._asked >= start else start
        self._data = [*self._data, (begin, begin + words - 1)][-4:]
        return begin - start

    def state(self, base: int, end: int) -> _Fetched | None:
        """With cycles counted from `base`; the code went up to address `end`."""
        if self.landing:
            return None
        words = tuple(max(self._ready[word] - base, -2) for word in range(end >> 2, self._next))
        taken = tuple(max(self._taken.get((end >> 1) - 1 - k, BEHIND) - base, -9) for k in range(QUEUE))
        data = tuple((first - base, last - base) for first, last in self._data if last - base >= -2)
        behind = min((end >> 1) - self._first, 8)
        return _Fetched(words, max(self._asked - base, -9), taken, data, behind)

    def _ask(self, limit: int, address: int) -> bool:
        """Ask for the next word before cycle `limit`, if there is room."""
        cycle = -1 if self.landing else self._asked + 1
        oldest = 2 * self._next + 1 - QUEUE
        if not self.landing and oldest >= self._first:
            free = self._taken.get(oldest, BEHIND)
            if free >= UNUSED >> 1:
                return False
            cycle = max(cycle, free)
        for first, last in self._data:
            if first <= cycle <= last:
                cycle = last + 1
        if cycle >= limit:
            return False
        self.landing = False
        self._asked = cycle
        self._ready[self._next] = cycle + 2
        unused = 2 * self._next >= address >> 1
        self._taken[2 * self._next] = UNUSED if unused else cycle + 2
        self._taken[2 * self._next + 1] = UNUSED
        self._next += 1
        return True
