"""Finds out that firmware only waits: a loop that can do nothing new until an interrupt comes.

The core is stepped for up to `STEPS` instructions. Where all registers repeat, instruction for instruction, over two
rounds of a loop that reads no running counter and computes nothing in floating point, a third round is the same: what
the loop loads and stores was the same in both. Time may then pass to the next event without executing anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyperf.virtual.board.machine import Machine

STEPS = 400
FIRST, SOON, LAST = 50_000, 500, 1 << 28
"""Instructions without output before the first look, and before the next where a loop went on differently (it may
look at a tick that an interrupt counts); each look in vain doubles the first."""


class Idle:
    """One machine's knowledge of its own waiting loop."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.wake()

    def wake(self) -> None:
        """Something was sent or received: look again soon."""
        self._wait = FIRST
        self._next = self._machine.instructions + FIRST
        self._loop: tuple[tuple[int, ...], int] | None = None
        self._depth = 0

    def instructions_to_look(self) -> int:
        """How many instructions to execute before `waits` is worth asking."""
        if self._loop is not None:  # in a handler that will return to the loop
            return LAST
        return max(1, self._next - self._machine.instructions)

    def waits(self) -> bool:
        """The core stands in a waiting loop now."""
        if self._loop is not None:
            if len(self._machine.nvic.active) > self._depth:
                return False  # in a handler; it will come back to the loop
            if self._still(*self._loop):
                return True
            self._loop = None
            self._next = self._machine.instructions + SOON
        if self._machine.instructions < self._next:
            return False
        self._depth = len(self._machine.nvic.active)
        self._loop = self._find()
        if self._loop is None:
            self._wait = min(2 * self._wait, LAST)
        self._next = self._machine.instructions + self._wait
        return self._loop is not None

    def _still(self, state: tuple[int, ...], period: int) -> bool:
        """An interrupt has come and gone: does the loop go on as before?"""
        machine = self._machine
        if self._state() != state:
            return False
        machine.step(period)
        return self._state() == state

    def _state(self) -> tuple[int, ...]:
        return tuple(self._machine.cpu.registers())

    def _find(self) -> tuple[tuple[int, ...], int] | None:
        """(state, period) of the loop that the core is in, after two equal rounds."""
        machine = self._machine
        reads = machine.time_reads
        trace = [self._state()]
        seen = {trace[0]: 0}
        for at in range(1, STEPS):
            if machine.step(1) != "limit" or machine.time_reads != reads or _is_fp(machine):
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


def _is_fp(machine: Machine) -> bool:
    view = machine.cpu.view(machine.pc, 2)
    return view is not None and view[1] & 0xEC == 0xEC
