"""What is taken for a loop that only waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tinyperf.virtual.board.waiting import FIRST, LOOKS, POLLS, STEPS, StatusPolls, WaitingLoop

if TYPE_CHECKING:
    from tinyperf.virtual.board.cpu import Cpu, Stop


class Core:
    """A core of one register that counts modulo `period`, or that executes nothing: it stops in front of a block."""

    pc, time_reads, handlers = 0, 0, 0

    def __init__(self, period: int) -> None:
        self.period, self.instructions = period, 0
        self.cpu = cast("Cpu", self)

    def registers(self) -> list[int]:
        return [self.instructions % self.period if self.period else 0, *15 * [0]]

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


def test_code_that_computed_is_looked_at_ever_less_often() -> None:
    core = Core(1 << 40)
    waiting = WaitingLoop(core)
    steps = []
    for _ in range(3 * LOOKS + 1):
        waiting.wake()
        before = core.instructions = core.instructions + FIRST
        assert not waiting.entered()
        steps.append(core.instructions - before)
    looked = [at for at, count in enumerate(steps) if count]
    assert looked == [0, LOOKS, 3 * LOOKS]
    assert {steps[at] for at in looked} == {STEPS - 1}


def test_a_load_that_has_waited_for_a_status_waits_again_at_its_first_reading() -> None:
    polls = StatusPolls()
    assert [polls.wait_again(8, 1) for _ in range(POLLS + 1)] == [False] * POLLS + [True]
    polls.forget()
    assert polls.wait_again(8, 1)
    polls.forget()
    assert [polls.wait_again(12, 1) for _ in range(3)] == [False] * 3  # another load
    assert [polls.wait_again(8, 2) for _ in range(3)] == [False] * 3  # another status
