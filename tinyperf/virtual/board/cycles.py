"""Cycles block by block: the detailed model of the virtual board.

A hook at each basic block walks it through the core's cycle model (pipelines/), once for each state in which the
pipeline meets it and for each set of memories that its accesses go to; then the chip's memory system (memory/) follows
its code, and its data where they lie behind wait states, by addresses that are computed from the registers at the
block's start (Unicorn's memory hooks corrupt code). What memory adds is put on top, at its place in the block.
docs/virtual_board.md says where each figure comes from and how well the estimate meets silicon.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tinyperf.virtual.board.decode import SP, Disassembler, Group, groups
from tinyperf.virtual.board.memory.system import Touched
from tinyperf.virtual.board.pipelines.model import NO_WAITS, Fetch, Waits

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tinyperf.virtual.board.cpu import Cpu
    from tinyperf.virtual.board.decode import Instruction
    from tinyperf.virtual.board.memory.system import MemorySystem
    from tinyperf.virtual.board.pipelines.model import CycleModel, Walk

OFTEN, SELDOM = 64, 15
"""Where RAM is all one, a block that met no flash in its first so many runs is looked at in each 16th."""
ALIGNMENT = 3
"""The bits of an address that tell how a word is aligned."""


@dataclass(frozen=True)
class Event:
    """What memory sees of a block: a stretch of code, or a read by group `group` at `offset` from its address."""

    cycle: int
    stretch: Any = None
    group: int = -1
    offset: int = 0
    bytes: int = 0


END = Event(0)
"""Behind all others."""


@dataclass(eq=False)
class Priced:
    """A walk, its states by number, `places` as it was given them.

    events: code and data in order, where data may have to wait; else none. meets: as the walk's.
    misses: of the memory system, when all of the stretch was there; -1: it was not.
    """

    entry: int
    places: Mapping[int, int]
    cycles: tuple[int, ...]
    total: int
    stretch: Any
    events: tuple[Event, ...]
    falls: int
    lands: int
    branch: int
    mispredicted: int
    starts: tuple[int, ...]
    waits: tuple[Waits, ...]
    meets: bool
    misses: int = -1


class Account:
    """What a stretch of a run executes and waits for. Its blocks' `waits` are added up when it is asked.

    `instructions` are those of the core's own count, which leaves out what an IT block skips.
    """

    def __init__(self) -> None:
        self.instructions = 0
        self._runs: Counter[Priced] = Counter()
        self._more = NO_WAITS

    def ran(self, priced: Priced, branches: int, code: int, data: int) -> None:
        """A block; what came on top of its walk."""
        self._runs[priced] += 1
        if branches or code or data:
            self._more = self._more.plus(Waits(branches=branches, flash_code=code, flash_data=data))

    def took_back(self, waits: Sequence[Waits]) -> None:
        """Instructions of the latest block that were not executed."""
        for one in waits:
            self._more = self._more.plus(one, -1)

    @property
    def waits(self) -> Waits:
        total = self._more
        for priced, runs in self._runs.items():
            for one in priced.waits:
                total = total.plus(one, runs)
        return total


Observer = Callable[[int, int, int], Account | None]
"""Told of every block: address, instructions (skipped ones too) and cycles. It says on which account it goes."""


@dataclass
class Block:
    """One decoded block. `simple`: where every group has a base alone, its place in the view of the registers and the
    offset of its first access. runs: how often it ran; looks: its groups' addresses are looked at every time.
    lines: that a group touches, as MemorySystem.touch takes them, by its number and where in a line its address is.
    walks: by the number of the state at its start, with the groups where they were last (places: of each group, those
    bits of its address that matter).
    """

    end: int
    instructions: tuple[Instruction, ...]
    addresses: tuple[int, ...]
    groups: list[Group]
    simple: tuple[tuple[int, int], ...]
    lines: dict[tuple[int, int], tuple[Touched, ...]] = field(default_factory=dict)
    runs: int = 0
    looks: bool = True
    walks: dict[int, Priced] = field(default_factory=dict)
    walks_by_places: dict[tuple[int, ...], dict[int, Priced]] = field(default_factory=dict)


class DetailedModel:
    """Cycle model and memory system attached to a core: `begin`, run a quantum, `end`."""

    def __init__(self, cpu: Cpu, core: CycleModel, memory: MemorySystem) -> None:
        self.observer: Observer | None = None
        self.cycles = 0
        self.memory = memory
        self._cpu, self._core = cpu, core
        self.causes = core.causes
        self._bits, self._banks, self._settings = core.address_bits, core.banks, core.settings
        self._disassembler = Disassembler()
        self._blocks: dict[int, Block] = {}
        self._states: list[Hashable] = []
        self._numbers: dict[Hashable, int] = {}
        self._landed = self._number(core.landed)
        self._falls = self._lands = self._landed
        self._branch = self._mispredicted = 0
        self._counters: dict[int, int] = {}  # of branches, by the address behind them: from 2 on it is taken
        self._line = memory.data_line
        self._total = 0  # before this quantum
        self._expected = -1
        self._last: Block | None = None
        self._last_priced: Priced | None = None
        self._hook: int | None = None
        self._booked: Account | None = None  # on which the latest block goes,
        self._counted = 0  # and what the core had executed before it

    def attach(self) -> None:
        """Start to follow the core."""
        self._hook = self._cpu.hook_blocks(self._ran)

    def detach(self) -> None:
        """Leave the core to run fast."""
        if self._hook is not None:
            self._cpu.unhook(self._hook)
            self._hook = None
            self._expected = -1

    def begin(self) -> None:
        """A quantum is about to run."""
        self._total += self.cycles
        self.cycles = 0
        self._last = None
        self._booked, self._counted = None, 0
        self.memory.begin()
        if self._settings != self._core.settings:
            self._settings = self._core.settings
            self._blocks.clear()
            self._falls = self._lands = self._landed

    def end(self, executed: int) -> int:
        """The quantum is over after so many instructions: its cycles. What its last block did not run goes back."""
        if self._booked is not None:
            self._booked.instructions += executed - self._counted
        block, priced = self._last, self._last_priced
        if block is not None and priced is not None:
            pc = self._cpu.pc()
            if block.addresses and block.addresses[0] <= pc < block.end:
                reached = sum(address < pc for address in block.addresses)
                unspent = priced.total - priced.cycles[reached]
                self.cycles -= unspent
                if self.observer is not None:
                    account = self.observer(block.addresses[0], reached - len(block.addresses), -unspent)
                    if account is not None:
                        account.took_back(priced.waits[reached:])
                start = self._core.walk(block.instructions[:reached], self._states[priced.entry], priced.places)
                self._expected = pc
                self._falls = self._number(start.falls) if reached else priced.entry
        return self.cycles

    def _ran(self, _uc: Any, address: int, size: int, _data: Any) -> None:
        block = self._blocks.get(address)
        if block is None or block.end != address + size:
            block = self._decode(address, size)
        if address == self._expected:
            entry, branches = self._falls, 0
        else:
            entry, branches = self._lands, self._branch
        if self._mispredicted and not self._predicted(taken=address != self._expected):
            entry, branches = self._landed, branches + self._mispredicted
        self._expected = block.end
        looks = block.looks or not block.runs & SELDOM
        block.runs += 1
        where: list[int] = []
        if looks and block.groups:
            bits = self._bits
            if block.simple:
                regs = self._cpu.live_registers()
                where = [regs[base] + offset for base, offset in block.simple]
            else:
                where = self._where(block)
            places = tuple([place & bits for place in where])
            walks = block.walks = block.walks_by_places.get(places) or block.walks_by_places.setdefault(places, {})
        else:
            walks = block.walks
        priced = walks.get(entry)
        if priced is None:
            priced = walks[entry] = self._price(block, entry)
        if looks:
            block.looks = self._banks or block.runs < OFTEN or priced.meets or bool(priced.events)
        self._falls, self._lands, self._branch = priced.falls, priced.lands, priced.branch
        self._mispredicted = priced.mispredicted
        now = self._total + self.cycles + branches
        code = data = 0
        if priced.events:
            code, data = self._follow(priced.events, where or self._where(block), now)
        else:
            memory = self.memory
            if priced.misses != memory.misses or not (memory.steady or priced is self._last_priced):
                code = memory.fetch(priced.stretch, now)
                priced.misses = -1 if code else memory.misses
            if self._line:
                data = self._touch(block, where, now, priced.starts)
        cycles = branches + code + data + priced.total
        self.cycles += cycles
        self._last, self._last_priced = block, priced
        if self.observer is not None:
            self._book(self.observer(address, len(block.addresses), cycles))
            if self._booked is not None:
                self._booked.ran(priced, branches, code, data)

    def _book(self, account: Account | None) -> None:
        """The block that is about to run goes on `account`; the one before is over."""
        executed: int = self._cpu.counter.value
        if self._booked is not None:
            self._booked.instructions += executed - self._counted
        self._booked, self._counted = account, executed

    def _predicted(self, *, taken: bool) -> bool:
        """Whether the branch went as its counter of two bits said (0 and 1: not taken; at first 1), which learns."""
        counter = self._counters.get(self._expected, 1)
        self._counters[self._expected] = min(counter + 1, 3) if taken else max(counter - 1, 0)
        return (counter >= 2) == taken

    def _touch(self, block: Block, where: Sequence[int], now: int, starts: Sequence[int]) -> int:
        memory, inside, wait = self.memory, self._line - 1, 0
        for number, address in enumerate(where):
            key = number, address & inside
            lines = block.lines.get(key)
            if lines is None:
                lines = block.lines[key] = self._lines(block.groups[number], address & inside)
            wait += memory.touch(address & 0xFFFF_FFFF, lines, now + wait, starts)
        return wait

    def _lines(self, group: Group, start: int) -> tuple[Touched, ...]:
        """Lines that a group touches whose first access begins at byte `start` of a line, in the order of their use."""
        first, found = group.accesses[0].offset, dict[int, Touched]()
        for access in group.accesses:
            begin = start + access.offset - first
            for line in range(begin // self._line, (begin + access.bytes - 1) // self._line + 1):
                found.setdefault(line, Touched(line, access.store, access.position))
        return tuple(found.values())

    def _where(self, block: Block) -> list[int]:
        """The address of each group's first access."""
        regs = self._cpu.live_registers()
        where = []
        for group in block.groups:
            address = regs[2 * group.base] if group.base >= 0 else 0
            if group.pointer is not None:
                word = self._cpu.words(address + group.pointer & 0xFFFF_FFFF, 1)
                address = word[0] if word else 0
            if group.index >= 0:
                address += regs[2 * group.index] << group.shift
            where.append(address + group.accesses[0].offset & 0xFFFF_FFFF)
        return where

    def _follow(self, events: Sequence[Event], where: Sequence[int], now: int) -> tuple[int, int]:
        """Cycles that code and data wait."""
        memory, code, data = self.memory, 0, 0
        for event in events:
            if event.group < 0:
                waited = memory.fetch(event.stretch, now)
                code += waited
            else:
                waited = memory.read(where[event.group] + event.offset, event.bytes, now + event.cycle)
                data += waited
            now += waited
        return code, data

    def _decode(self, address: int, size: int) -> Block:
        view = self._cpu.view(address, size)
        instructions = tuple(self._disassembler.instructions(address, bytes(view) if view is not None else b""))
        followed = [group for group in groups(instructions) if self._core.banks or self._varies(group)]
        block = self._blocks[address] = Block(
            end=address + size,
            instructions=instructions,
            addresses=tuple(one.address for one in instructions),
            groups=followed,
            simple=_simple(followed),
        )
        return block

    def _varies(self, group: Group) -> bool:
        """Its memory may matter: what lies on the stack is RAM, a literal is where its code is."""
        if group.pointer is not None or group.index >= 0:
            return True
        return group.base != SP and (group.base >= 0 or self.memory.waits(group.accesses[0].offset))

    def _price(self, block: Block, entry: int) -> Priced:
        where = self._where(block)
        places: dict[int, int] = {}
        for group, first in zip(block.groups, where, strict=True):
            for access in group.accesses:
                low = first + access.offset - group.accesses[0].offset
                places[access.position] = (first & self._bits & ~ALIGNMENT) | low & ALIGNMENT
        walk = self._core.walk(block.instructions, self._states[entry], places)
        return Priced(
            entry,
            places,
            walk.cycles,
            walk.cycles[-1],
            self.memory.stretch([fetch for fetch in walk.fetches if not fetch.after_read]),
            self._events(block, walk, where),
            self._number(walk.falls),
            self._number(walk.lands),
            walk.branch,
            walk.mispredicted,
            walk.starts,
            walk.waits,
            walk.meets,
        )

    def _events(self, block: Block, walk: Walk, where: Sequence[int]) -> tuple[Event, ...]:
        """Code and data in order; none where no data has to wait."""
        reads = [
            (
                walk.starts[a.position],
                1,
                Event(walk.starts[a.position], None, n, a.offset - g.accesses[0].offset, a.bytes),
            )
            for n, (g, first) in enumerate(zip(block.groups, where, strict=True))
            if self.memory.waits(first)
            for a in g.accesses
            if not a.store
        ]
        if not reads:
            return ()
        code = [(fetch.cycle, 2 if fetch.after_read else 0, fetch) for fetch in walk.fetches]
        merged: list[Event] = []
        between: list[Fetch] = []
        in_order: list[tuple[int, int, Event | Fetch]] = [*reads, *code]
        for _, _, one in [*sorted(in_order, key=lambda one: one[:2]), (0, 0, END)]:
            if isinstance(one, Fetch):
                between.append(one)
                continue
            if stretch := self.memory.stretch(between):
                merged.append(Event(0, stretch))
            merged.append(one)
            between = []
        return tuple(merged[:-1])

    def _number(self, state: Hashable) -> int:
        number = self._numbers.get(state)
        if number is None:
            number = self._numbers[state] = len(self._states)
            self._states.append(state)
        return number


def _simple(followed: Sequence[Group]) -> tuple[tuple[int, int], ...]:
    if any(group.base < 0 or group.index >= 0 or group.pointer is not None for group in followed):
        return ()
    return tuple((2 * group.base, group.accesses[0].offset) for group in followed)
