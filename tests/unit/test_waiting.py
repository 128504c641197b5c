"""What is taken for a loop that only waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tinyperf.virtual.board.waiting import FIRST, WaitingLoop

if TYPE_CHECKING:
    from tinyperf.virtual.board.cpu import Cpu, Stop


class Core:
    """A core of one register that counts modulo `period`, or that executes nothing: it stops in front of a block."""

    pc, time_reads, handlers = 0, 0, 0

    def __init__(self, period: int) -> None:
        self.period, self.instructions = period, 0
        self.cpu = cast("Cpu", self)

    def registers(self) -> list[int]:
        return [self.instructions % self.period if self.period else 0]

    def view(self, _address: int, _size: int) -> None:
        return None

    def step(self, count: int) -> Stop:
        self.instructions += count if self.period else 0
        return "limit"


def looks(core: Core) -> bool:
    waiting = WaitingLoop(core)
    core.instructions += FIRST
    return waiting.entered()


def test_registers_that_repeat_are_a_loop() -> None:
    assert looks(Core(3))
    assert not looks(Core(FIRST))


def test_a_core_that_executes_nothing_does_not_loop() -> None:
    assert not looks(Core(0))
