"""Finds out that firmware only waits: a loop that can do nothing new until an interrupt or an event comes.

The core is stepped for up to `STEPS` instructions. Where all registers repeat, instruction for instruction, over two
rounds of a loop that reads no running counter and computes nothing in floating point, a third round is the same: what
the loop loads and stores was the same in both. Time may then pass to the next event without executing anything.

Besides, `POLLS` equal readings of one status register in a row, with nothing stored to a device meanwhile, are a loop
that waits; one is enough where the same load has waited for the same status before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tinyperf.virtual.board.cpu import Cpu, Stop

STEPS = 400
PC = 15
"""Its place among the registers."""
FIRST, SOON, LAST = 50_000, 500, 1 << 28
"""Instructions without output before the first look, and before the next where a loop went on differently (it may
look at a tick that an interrupt counts); each look in vain doubles the first."""
POLLS = 16
LOOKS = 8
"""Code that was looked at and computed is passed over seven times, then 15, 31, ...: 400 single steps take as long as
many inferences of a small model."""


class Stepped(Protocol):
    """What a core shows to one who steps it. `time_reads`: how often firmware has read a running counter."""

    cpu: Cpu
    pc: int
    time_reads: int

    @property
    def instructions(self) -> int:
        """Executed since power-on."""

    @property
    def handlers(self) -> int:
        """How many exceptions are being handled."""

    def step(self, count: int) -> Stop:
        """Execute a few instructions, outside of events and exceptions; why it ended."""


class StatusPolls:
    """Counts equal readings of a status register.

    A load that has once waited for a status to change waits again when it sees the same one: a loop that prints a line
    waits before each letter, and each of its readings costs the emulator a stop.
    """

    def __init__(self) -> None:
        self._seen, self._status = 0, -1
        self._waited: set[tuple[int, int]] = set()  # (PC, status)

    def forget(self) -> None:
        """Something was stored, or time was read: whoever loops does not only wait."""
        self._seen = 0

    def wait(self, status: int) -> bool:
        """A status register was read; so often the same that the loop only waits."""
        self._seen = self._seen + 1 if status == self._status else 0
        self._status = status
        return self._seen >= POLLS

    def wait_again(self, pc: int, status: int) -> bool:
        """As `wait`, of a load at `pc`, which may be known to wait."""
        if self.wait(status):
            self._waited.add((pc, status))
        return (pc, status) in self._waited


class WaitingLoop:
    """One core's waiting loop, as far as it is known."""

    def __init__(self, core: Stepped) -> None:
        self._core = core
        self._computed: dict[int, int] = {}  # looks so far at a PC where the core was once seen to compute
        self.wake()

    def wake(self) -> None:
        """Something was sent or received: look again soon."""
        self._interval = FIRST
        self._next = self._core.instructions + FIRST
        self._loop: tuple[tuple[int, ...], int] | None = None
        self._depth = 0

    def instructions_to_look(self) -> int:
        """How many instructions to execute before `entered` is worth asking."""
        if self._loop is not None:  # in a handler that will return to the loop
            return LAST
        return max(1, self._next - self._core.instructions)

    def entered(self) -> bool:
        """The core stands in a waiting loop now."""
        if self._loop is not None:
            if self._core.handlers > self._depth:
                return False  # in a handler; it will come back to the loop
            if self._still(*self._loop):
                return True
            self._loop = None
            self._next = self._core.instructions + SOON
        if self._core.instructions < self._next:
            return False
        self._depth = self._core.handlers
        self._loop = self._find() if self._is_worth_a_look() else None
        if self._loop is None:
            self._interval = min(2 * self._interval, LAST)
        self._next = self._core.instructions + self._interval
        return self._loop is not None

    def _is_worth_a_look(self) -> bool:
        looks = self._computed.get(self._core.pc)
        if looks is None:
            return True
        self._computed[self._core.pc] = looks + 1
        return looks & looks - 1 == 0

    def _still(self, state: tuple[int, ...], period: int) -> bool:
        """An interrupt has come and gone: does the loop go on as before?"""
        if self._state() != state:
            return False
        before = self._core.instructions
        self._core.step(period)
        return self._core.instructions == before + period and self._state() == state

    def _state(self) -> tuple[int, ...]:
        return tuple(self._core.cpu.registers())

    def _find(self) -> tuple[tuple[int, ...], int] | None:
        """(state, period) of the loop that the core is in, after two equal rounds."""
        trace = [self._state()]
        loop = self._follow(trace)
        if loop is None:
            for state in trace:
                self._computed.setdefault(state[PC], LOOKS + 1)
        return loop

    def _follow(self, trace: list[tuple[int, ...]]) -> tuple[tuple[int, ...], int] | None:
        """As `_find`; `trace` grows by the states that the core goes through."""
        core = self._core
        reads = core.time_reads
        seen = {trace[0]: 0}
        for at in range(1, STEPS):
            executed = core.instructions
            if core.step(1) != "limit" or core.time_reads != reads or _is_fp(core):
                return None
            if core.instructions == executed:  # it stopped in front of a block that must be looked at first
                return None
            state = self._state()
            trace.append(state)
            before = seen.get(state)
            if before is not None and 2 * (at - before) <= at:
                period = at - before
                if trace[at - 2 * period + 1 : at - period + 1] == trace[at - period + 1 :]:
                    return state, period
            seen[state] = at
        return None


def _is_fp(core: Stepped) -> bool:
    view = core.cpu.view(core.pc, 2)
    return view is not None and view[1] & 0xEC == 0xEC
