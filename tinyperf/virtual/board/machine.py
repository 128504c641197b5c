"""The virtual board: one chip with one image in its flash, run by quanta in virtual time.

Nothing here asks the host's clock: the same image with the same input takes the same cycles, always.

Quanta: between two events the core runs without interruption, however long that is. Registers that show time are
exact in the middle of a quantum, because the instruction counter is readable there (cpu.py); whatever must happen
earlier than planned shortens the quantum that is running.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.chip import LevelOneCaches
from tinyperf.errors import UsageError
from tinyperf.virtual.board import chips
from tinyperf.virtual.board.bus import Bus
from tinyperf.virtual.board.clock import ONE, Clock
from tinyperf.virtual.board.cpu import Cpu, Ran
from tinyperf.virtual.board.cycles import DetailedModel
from tinyperf.virtual.board.exceptions import ExceptionUnit
from tinyperf.virtual.board.faults import report
from tinyperf.virtual.board.memory import memory_system
from tinyperf.virtual.board.peripherals import Event, Peripheral, Pins
from tinyperf.virtual.board.pipelines import cycle_model
from tinyperf.virtual.board.scs import Dwt, Nvic, Scs
from tinyperf.virtual.board.unchecked_faults import UncheckedFaults
from tinyperf.virtual.board.waiting import StatusPolls, WaitingLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.chip import Chip
    from tinyperf.errors import FaultError
    from tinyperf.virtual.board.cpu import Stop
    from tinyperf.virtual.board.cycles import Observer
    from tinyperf.virtual.board.image import FirmwareImage
    from tinyperf.virtual.board.memory.system import FlashSettings
    from tinyperf.virtual.board.peripherals import Clocked

LONGEST_QUANTUM = 50_000_000


@dataclass
class Activity:
    """What the core did since power-on, for the power model: all counts only ever grow.

    `flash_line_reads`, `flash_data_misses` come from the detailed model and cover only what ran in detail.
    """

    instructions: int = 0
    active_cycles: int = 0
    idle_cycles: int = 0
    flash_line_reads: int = 0
    flash_data_misses: int = 0


class Machine:
    """One virtual board. Peripherals see it as their `Host`, what watches the core as `Stepped`."""

    def __init__(self, chip: Chip, image: FirmwareImage, wires: Mapping[str, str]) -> None:
        self.chip, self.image = chip, image
        self.edges: list[tuple[int, str, int]] = []
        self.output = bytearray()
        self.activity = Activity()
        self.stopping = False
        self.waited_cycles = 0
        self.time_reads = 0
        self.sleeping = False
        self.detail: DetailedModel | None = None
        self._model: DetailedModel | None = None
        self._observer: Observer | None = None
        self._units_per_instruction = ONE
        self._running = False
        self._instructions = 0
        self._events: list[tuple[int, int, Event]] = []
        self._sequence = 0
        self._in_loop = self._polling = False
        self._meanwhile_ps: int | None = None  # now, while events are done in the middle of a quantum
        self._until_ps = 0
        self._masked, self._masked_steps = False, 0
        self._clock_change_pending = self._block_unchecked = False
        self.clock = Clock(self._units_running)
        self._wire(wires)
        self._load()
        self.reset()

    def _wire(self, wires: Mapping[str, str]) -> None:
        core = self.chip.core
        self.soc = chips.build(self.chip, self, Pins(self.edges, wires))
        self.nvic = Nvic(self.soc.interrupts, self.soc.priority_bits)
        self.scs = Scs(self, self.nvic, cpuid=self.soc.cpuid, core=core)
        # DWT_CTRL.NOCYCCNT: there is no cycle counter.
        dwt = Dwt(self) if "cycle_counter" in core.features else Peripheral(self, {0: 0x0200_0000})
        private: dict[int, Peripheral] = {0xE000_1000: dwt, 0xE000_0000: Peripheral(self)}
        self.bus = Bus(
            self,
            {**self.soc.at, **private},
            self.scs,
            view=self.view,
            block_bytes=self.soc.block_bytes,
            written=self._written,
        )
        memories = chips.memories(self.chip.memories)
        self.cpu = Cpu(core, memories, self.soc.devices, self.bus.load, self.bus.store)
        self.exceptions = ExceptionUnit(core, self.cpu, self.nvic, self.scs, self.fault)
        self.unchecked = UncheckedFaults(core, self, lambda: self.scs.fpu_enabled, self.fault)
        self.polls = StatusPolls()
        self.waiting_loop = WaitingLoop(self)
        self.cpu.on_new_block(self._new_block, self.unchecked.knows)

    def _load(self) -> None:
        for address, data in self.image.segments:
            if not self.cpu.program(address, data):
                raise UsageError(
                    f"the image puts {len(data)} bytes at {address:#010x}, where the chip has no memory",
                    hint=f"compare with the memories in the file of chip {self.chip.name}",
                )
        for address, word in self.soc.cells.items():
            self.cpu.program(address, word.to_bytes(4, "little"))

    def reset(self) -> None:
        """As the reset pin does; memory keeps its contents."""
        for block in self.bus.peripherals():
            block.reset()
        self.scs.reset()
        self.nvic.reset()
        self._events.clear()
        self.sleeping = False
        vectors = self.image.segments[0][0] if self.soc.vectors is None else self.soc.vectors
        stack, start = self.cpu.words(vectors, 2) or (0, 0)
        self.scs.regs[Scs.VTOR] = vectors
        self.cpu.set("xpsr", 0x0100_0000)
        self.cpu.set_masks([0, 0, 0])
        self.cpu.set("control", 0)
        self.cpu.set("msp", stack & ~3)
        self.cpu.set("sp", stack & ~3)
        self.cpu.set("lr", 0xFFFF_FFFF)
        self.pc = start & ~1
        self._retime()

    def fault(self, seen: str, means: str = "") -> FaultError:
        """The error of a processor fault here and now."""
        return report(self, seen, means)

    # the detailed model

    def observe_blocks(self, observer: Observer | None) -> None:
        """Be told of every block that runs in detail: its address, its instructions, its cycles."""
        self._observer = observer
        if self._model is not None:
            self._model.observer = observer

    @property
    def causes(self) -> frozenset[str]:
        """What the cycle model tells apart of that for which the core waits; nothing before a run in detail."""
        return self._model.causes if self._model is not None else frozenset()

    @property
    def detailed(self) -> bool:
        """Every block is priced by the cycle model; else each instruction takes `cycles_per_instruction`.

        Raises: UsageError: on setting it, where nobody has modelled this core or its memory.
        """
        return self.detail is not None

    @detailed.setter
    def detailed(self, on: bool) -> None:
        if on and self.detail is None:
            if self._model is None:
                memory = memory_system(self.chip, self._flash_settings)
                core = cycle_model(self.chip.core, self.chip.memories, memory)
                self._model = DetailedModel(self.cpu, core, memory)
                self._model.observer = self._observer
            self.detail = self._model
            self.detail.attach()
        elif not on and self.detail is not None:
            self.detail.detach()
            self.detail = None

    def _flash_settings(self) -> FlashSettings:
        """What the firmware has set; caches inside the core are switched by its own register."""
        settings = self.soc.clocks.flash_settings()
        if not isinstance(self.chip.caches, LevelOneCaches):
            return settings
        return settings._replace(code_cache=self.scs.code_cache, data_cache=self.scs.data_cache)

    @property
    def cycles_per_instruction(self) -> float:
        return self._units_per_instruction / ONE

    @cycles_per_instruction.setter
    def cycles_per_instruction(self, value: float) -> None:
        self._units_per_instruction = max(1, round(value * ONE))

    # what watches the core sees

    @property
    def waits(self) -> bool:
        """The core sleeps or loops, and nothing but a periodic timer is about to happen."""
        return self.sleeping or self._in_loop

    @property
    def instructions(self) -> int:
        """Instructions executed since power-on."""
        return self._instructions + (self.cpu.executed if self._running else 0)

    @property
    def handlers(self) -> int:
        """How many exceptions are being handled."""
        return len(self.nvic.active)

    def step(self, count: int, *, swiftly: bool = False) -> Stop:
        """Execute a few instructions, outside of events and exceptions; why it ended."""
        if self.detail is not None:
            self.detail.begin()
        self._running = True
        try:
            ran = self.cpu.run(self.pc, count, swiftly=swiftly)
        finally:
            self._running = False
        self._account(ran)
        self.pc = self.cpu.pc()
        self._ended(ran)
        return ran.why

    def awaited_register(self) -> tuple[int, int] | None:
        """Of a core that loops: the PC of the load and the register that it reads again and again; None: no register,
        or a serial port's.

        A few rounds of the loop are executed for it.
        """
        self.bus.take_last_read()
        for _ in range(128 if self._in_loop else 0):
            pc = self.pc
            if self.step(1) != "limit":
                return None
            if (register := self.bus.take_last_read()) is not None:
                ports: tuple[object, ...] = self.soc.serial_ports
                return None if self.bus.peripheral(register) in ports else (pc, register)
        return None

    # what peripherals see (peripherals.Host)

    def now_ps(self) -> int:
        return self.clock.now_ps() if self._meanwhile_ps is None else self._meanwhile_ps

    def cycles(self) -> int:
        return self.clock.cycles()

    def at(self, ps: int, action: Callable[[], None]) -> Event:
        event = Event(action)
        self._sequence += 1
        heapq.heappush(self._events, (ps, self._sequence, event))
        if self._running and self._meanwhile_ps is None:
            self.cpu.shorten_quantum(self._instructions_until(ps))
        return event

    def irq(self, number: int, asserted: bool) -> None:
        self.nvic.set_level(16 + number, asserted)
        if asserted:
            self._end_quantum()

    def clock_hz(self, name: str) -> int:
        return self.soc.clocks.hz(name)

    def clocks_changed(self) -> None:
        for block in self._clocked():
            block.before_clock_change()
        self._clock_change_pending = True
        self._end_quantum()

    def received(self, data: bytes) -> None:
        self.output += data
        self.waiting_loop.wake()
        if data == b"\n":
            self.stopping = True
            self._end_quantum()

    def view(self, address: int, size: int) -> memoryview | None:
        return self.cpu.view(address, size)

    def bus_read(self, address: int, width: int) -> int:
        return self.bus.read(address, width)

    def bus_write(self, address: int, width: int, value: int) -> None:
        self.bus.write(address, width, value)

    def polled(self, status: int) -> bool:
        """Seen often enough in a row, the same status lets time go on to the next event: within the load, or where
        that cannot be, behind it, where the quantum ends.

        The cycles that pass count as active. What is lost is the phase of the polling loop, some ten cycles.
        """
        if not self._running:
            return False
        if self.detail is not None:
            waits = self.polls.wait(status)
        elif (waits := self.polls.wait_again(self.cpu.pc(), status)) and self._happened_meanwhile():
            return True
        if waits:
            self._polling = True
            self.cpu.end_quantum()
        return False

    def _happened_meanwhile(self) -> bool:
        """In the middle of a quantum, let time pass to the next event and do it, so that the core need not stop."""
        if (
            self.stopping
            or not self._events
            or self._events[0][0] > self._until_ps
            or self.exceptions.next() is not None
        ):
            return False
        self.activity.active_cycles += self._wait_to(self._events[0][0])
        self._meanwhile_ps = self.clock.now_ps()
        try:  # what is planned in it need not shorten the quantum: that is done below
            self._do_what_is_due(self._meanwhile_ps)
        finally:
            self._meanwhile_ps = None
        if self._events:
            self.cpu.shorten_quantum(self._instructions_until(min(self._events[0][0], self._until_ps)))
        return True

    def time_was_read(self) -> None:
        self.polls.forget()
        self.time_reads += 1

    # running

    def advance(self, until_ps: int) -> None:
        """Run until virtual time `until_ps`, or until `stopping` is set (a line of output is complete)."""
        self._until_ps = until_ps
        while not self.stopping:
            if self._clock_change_pending:
                self._take_clock_change()
            now = self.now_ps()
            self._do_what_is_due(now)
            if self.scs.reset_requested:
                self.reset()
            self._take_exception()
            if now >= until_ps or self.stopping:
                return
            due = min(self._events[0][0], until_ps) if self._events else until_ps
            if not self._rest(due):
                self._quantum(due)

    def _do_what_is_due(self, now: int) -> None:
        while self._events and self._events[0][0] <= now:
            event = heapq.heappop(self._events)[2]
            if not event.cancelled:
                event.action()

    def _take_exception(self) -> None:
        """Take what may be taken now; note what is masked, so that the next quantum is short."""
        self._masked = False
        if not self.nvic.pending or self.nvic.best() is None:
            return
        number = self.exceptions.next()
        if number is None:
            self._masked = self.exceptions.masked()
            return
        self.sleeping = False
        self.pc, cycles = self.exceptions.enter(number, self.pc)
        self._charge(cycles)

    def _rest(self, due: int) -> bool:
        """Whether there was nothing to execute just now: the core sleeps or loops, and time has passed instead."""
        self._in_loop = False
        if self.sleeping:
            self.sleeping = not self.exceptions.wakes()
            if self.sleeping:
                self.activity.idle_cycles += self._skip_to(due)
                return True
        if not self._polling and not (self._may_look() and self.waiting_loop.entered()):
            return False
        self._polling = False
        if not self.stopping and not self.sleeping and self.exceptions.next() is None:
            self._in_loop = True
            self.activity.active_cycles += self._skip_to(due)
        return True  # else looking for a waiting loop has executed something: begin anew

    def _may_look(self) -> bool:
        """A waiting loop may be looked for: not in detail, and not in a short section with interrupts masked."""
        return self.detail is None and (not self._masked or self._masked_steps > 128)

    def _quantum(self, due_ps: int) -> None:
        count = self._instructions_until(due_ps)
        if self._masked:
            # Step by step, so that the exception runs right behind the CPSIE or MSR that lets it; a section that stays
            # masked for long is looked at less and less often.
            count = min(count, 1 << min(self._masked_steps // 64 * 3, 18))
            self._masked_steps += 1
        else:
            self._masked_steps = 0
        if self.detail is None:
            count = min(count, self.waiting_loop.instructions_to_look())
        self.step(count, swiftly=self.detail is None)
        if self._block_unchecked:
            self._block_unchecked = False
            self.unchecked.walk()

    def _ended(self, ran: Ran) -> None:
        """What the end of a quantum asks for."""
        if ran.why == "limit":
            return
        if ran.why in {"wfi", "wfe"}:
            self.sleeping = not self.exceptions.wakes()
        elif ran.why == "return":
            self.pc, cycles = self.exceptions.leave()
            self._charge(cycles)
        elif ran.why == "svc":
            self.exceptions.call()
        else:
            raise self.fault(ran.detail or ran.why)

    # called in the middle of a quantum

    def _end_quantum(self) -> None:
        if self._running:
            self.cpu.end_quantum()

    def _written(self, to_scs: bool) -> None:
        self.polls.forget()
        if to_scs:
            self._end_quantum()

    def _new_block(self, address: int, size: int) -> None:
        if self.unchecked.stop_before(address, size):
            self._block_unchecked = True
            self.cpu.end_quantum()

    # time

    def _units_running(self) -> int:
        if not self._running:
            return 0
        if self.detail is not None:
            return self.detail.cycles * ONE
        units: int = (self.cpu.before + self.cpu.counter.value) * self._units_per_instruction
        return units

    def _clocked(self) -> tuple[Clocked, ...]:
        return (*self.bus.peripherals(), self.scs.systick)

    def _take_clock_change(self) -> None:
        self._clock_change_pending = False
        self._retime()
        for block in self._clocked():
            block.after_clock_change()

    def _retime(self) -> None:
        """Take the core clock as the firmware has set it."""
        self.clock.set_hz(self.soc.clocks.hz("hclk"))

    def _instructions_until(self, ps: int) -> int:
        left = self.clock.units_until(ps)
        if self.detail is not None:  # about one cycle each; the loop in `advance` comes back for the rest
            return max(1, min(left // (2 * ONE), LONGEST_QUANTUM))
        return max(1, min(-(-left // self._units_per_instruction), LONGEST_QUANTUM))

    def _skip_to(self, ps: int) -> int:
        """Let time pass without executing anything; the cycles that passed."""
        passed = self.clock.skip_to(ps)
        self.waited_cycles += passed
        return passed

    def _wait_to(self, ps: int) -> int:
        """As `_skip_to`, in the middle of a quantum."""
        passed = self.clock.wait_until(ps)
        self.waited_cycles += passed
        return passed

    def _charge(self, cycles: int) -> None:
        self.activity.active_cycles += self.clock.add(cycles * ONE)

    def _account(self, ran: Ran) -> None:
        self._instructions += ran.executed
        self.activity.instructions += ran.executed
        if self.detail is None:
            self.activity.active_cycles += self.clock.add(ran.executed * self._units_per_instruction)
            return
        self.activity.active_cycles += self.clock.add(self.detail.end(ran.executed) * ONE)
        self.activity.flash_line_reads = self.detail.memory.counts.code_misses
        self.activity.flash_data_misses = self.detail.memory.counts.data_misses
