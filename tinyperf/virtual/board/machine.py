"""The virtual board: core, SoC and exceptions in virtual time.

Time is counted in core cycles, kept in units of 2**-20 cycle so that a fractional number of cycles per instruction
loses nothing, and turned into picoseconds by the clock that the firmware set. Nothing here asks the host's clock:
the same image with the same input takes the same cycles, always.

Quanta: between two events the core runs without interruption, however long that is. Registers that show time are
exact in the middle of a quantum, because the instruction counter is readable there (cpu.py); whatever must happen
earlier than planned shortens the quantum that is running.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.errors import UsageError
from tinyperf.virtual.board import chips
from tinyperf.virtual.board.cpu import Cpu, Ran
from tinyperf.virtual.board.cycles import Pipeline
from tinyperf.virtual.board.faults import report
from tinyperf.virtual.board.guard import Special, specials
from tinyperf.virtual.board.idle import Idle
from tinyperf.virtual.board.peripherals import PS, Event, Peripheral, Pins
from tinyperf.virtual.board.scs import SVCALL, Dwt, Nvic, Scs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.chip import Chip
    from tinyperf.virtual.board.cpu import Stop
    from tinyperf.virtual.board.image import FirmwareImage

ONE = 1 << 20  # one cycle
POLLS = 16
"""So many equal readings of one status register in a row are a loop that waits."""
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
    """One virtual board with one image in its flash."""

    def __init__(self, chip: Chip, image: FirmwareImage, wires: Mapping[str, str]) -> None:
        self.chip = chip
        self.image = image
        self.edges: list[tuple[int, str, int]] = []
        self.output = bytearray()
        self.activity = Activity()
        self.pipeline: Pipeline | None = None
        self._model: Pipeline | None = None
        self._observer: Callable[[int, int, int], None] | None = None
        self.stopping = False
        self.waited_cycles = 0
        self._cycles20 = 0
        self._cpi20 = ONE
        self._running = False
        self._ps0, self._cycles0, self._hz = 0, 0, 1
        self._events: list[tuple[int, int, Event]] = []
        self._sequence = 0
        self._loops = False
        self.time_reads = 0
        self._polls, self._polled_status, self._waiting = 0, -1, False
        self._instructions = 0
        self.sleeping = False
        self._masked_steps = 0
        self._masked = False
        self._clock_change_pending = False
        self.soc = chips.build(chip, self, Pins(self.edges, wires))
        self.cpu = Cpu(chip.core, chips.memories(chip.memories), self.soc.devices, self.bus_read, self.bus_write)
        self.nvic = Nvic(self.soc.interrupts, self.soc.priority_bits)
        self.scs = Scs(self, self.nvic, cpuid=self.soc.cpuid)
        self.dwt = Dwt(self)
        debug = Peripheral(self)
        self._blocks: dict[int, Peripheral] = dict(self.soc.at)
        self._blocks.update({0xE000_1000: self.dwt, 0xE000_0000: debug})
        self.waiting = Idle(self)
        self._specials: list[Special] = []
        self._checked: set[int] = set()
        self._walking = False
        self.cpu.on_new_block(self._new_block)
        self._load()
        self.reset()

    def _load(self) -> None:
        for address, data in self.image.segments:
            view = self.cpu.view(address, len(data))
            if view is None:
                raise UsageError(
                    f"the image puts {len(data)} bytes at {address:#010x}, where the SoC has no memory",
                    hint="board file and SoC of the virtual board disagree: compare memory.flash",
                )
            view[:] = data
        for address, word in self.soc.cells.items():
            self.cpu.store(address, [word])

    def reset(self) -> None:
        """As the reset pin does; memory keeps its contents."""
        for block in self._blocks.values():
            block.reset()
        self.scs.reset()
        self.nvic.reset()
        self._events.clear()
        self.sleeping = False
        origin = self.image.segments[0][0]
        words = self.cpu.words(origin, 2) or (0, 0)
        self.scs.regs[Scs.VTOR] = origin
        self.cpu.set("xpsr", 0x0100_0000)
        self.cpu.set_masks([0, 0, 0])
        self.cpu.set("control", 0)
        self.cpu.set("msp", words[0] & ~3)
        self.cpu.set("sp", words[0] & ~3)
        self.cpu.set("lr", 0xFFFF_FFFF)
        self.pc = words[1] & ~1
        self._retime()

    def observe_blocks(self, observer: Callable[[int, int, int], None] | None) -> None:
        """Be told of every block that runs in detail: its address, its instructions, its cycles."""
        self._observer = observer
        if self._model is not None:
            self._model.observer = observer

    @property
    def detailed(self) -> bool:
        """Every block is priced by the cycle model; else each instruction takes `cycles_per_instruction`."""
        return self.pipeline is not None

    @detailed.setter
    def detailed(self, on: bool) -> None:
        if on and self.pipeline is None:
            if self._model is None:
                self._model = self._new_model()
                self._model.observer = self._observer
            self.pipeline = self._model
            self.pipeline.attach()
        elif not on and self.pipeline is not None:
            self.pipeline.detach()
            self.pipeline = None

    def _new_model(self) -> Pipeline:
        chip = self.chip
        if chip.core.pipeline is None or chip.caches is None or chip.memory is None:
            what = f"the pipeline of {chip.core.title}" if chip.core.pipeline is None else f"the flash of {chip.title}"
            raise UsageError(
                f"nobody has modelled {what} yet, so its cycles cannot be estimated",
                hint="the firmware runs there all the same: 'tinyperf console --virtual'",
            )
        flash = chip.memory.flash
        return Pipeline(
            self.cpu,
            chip.core.pipeline,
            chip.caches,
            flash=(flash.origin, flash.origin + flash.bytes),
            wait_states=self.soc.clocks.flash_wait_states,
        )

    # time

    @property
    def cycles_per_instruction(self) -> float:
        return self._cpi20 / ONE

    @cycles_per_instruction.setter
    def cycles_per_instruction(self, value: float) -> None:
        self._cpi20 = max(1, round(value * ONE))

    @property
    def idle(self) -> bool:
        """The core sleeps or polls, and nothing but a periodic timer is about to happen."""
        return self.sleeping or self._loops

    @property
    def instructions(self) -> int:
        """Instructions executed since power-on."""
        return self._instructions + (self.cpu.counter.value if self._running else 0)

    def _now20(self) -> int:
        if self.pipeline is not None:
            return self._cycles20 + (self.pipeline.cycles * ONE if self._running else 0)
        return self._cycles20 + (self.cpu.counter.value * self._cpi20 if self._running else 0)

    def cycles(self) -> int:
        """Core cycles since power-on."""
        return self._now20() // ONE

    def now_ps(self) -> int:
        """Virtual picoseconds since power-on."""
        return self._ps0 + (self._now20() - self._cycles0 * ONE) * PS // (self._hz * ONE)

    def _retime(self) -> None:
        """Take the core clock as the firmware has set it; time goes on from here."""
        now = self.now_ps()
        self._cycles0 = self._now20() // ONE
        self._ps0 = now
        self._hz = self.soc.clocks.hz("hclk")

    def _instructions_until(self, ps: int) -> int:
        cycles20 = (self._cycles0 * ONE) + -(-(ps - self._ps0) * self._hz * ONE // PS)
        left = cycles20 - self._now20()
        if self.pipeline is not None:  # about one cycle each; the loop in `advance` comes back for the rest
            return max(1, min(left // (2 * ONE), LONGEST_QUANTUM))
        return max(1, min(-(-left // self._cpi20), LONGEST_QUANTUM))

    def _skip_to(self, ps: int) -> int:
        """Let time pass until then without executing anything; the cycles that passed."""
        before = self._cycles20
        target = (self._cycles0 * ONE) + -(-(ps - self._ps0) * self._hz * ONE // PS)
        self._cycles20 = max(before, target)
        return (self._cycles20 - before) // ONE

    # what peripherals see (peripherals.Host)

    def at(self, ps: int, action: Callable[[], None]) -> Event:
        event = Event(action)
        self._sequence += 1
        heapq.heappush(self._events, (ps, self._sequence, event))
        if self._running:
            self.cpu.shorten_quantum(self._instructions_until(ps))
        return event

    def irq(self, number: int, asserted: bool) -> None:
        self.nvic.set_level(16 + number, asserted)
        if asserted and self._running:
            self.cpu.end_quantum()

    def clock_hz(self, name: str) -> int:
        return self.soc.clocks.hz(name)

    def clocks_changed(self) -> None:
        for block in (*self._blocks.values(), self.scs.systick):
            block.before_clock_change()  # type: ignore[attr-defined]  # SysTick has the same two methods
        self._clock_change_pending = True
        if self._running:
            self.cpu.end_quantum()

    def received(self, data: bytes) -> None:
        self.output += data
        self.waiting.wake()
        if data == b"\n":
            self.stopping = True

    def view(self, address: int, size: int) -> memoryview | None:
        return self.cpu.view(address, size)

    def polled(self, status: int) -> None:
        """Seen often enough in a row, the same status ends the quantum, and time goes on to the next event.

        The cycles that pass count as active. What is lost is the phase of the polling loop, some ten cycles.
        """
        self._polls = self._polls + 1 if status == self._polled_status else 0
        self._polled_status = status
        if self._polls >= POLLS and self._running:
            self._waiting = True
            self.cpu.end_quantum()

    def time_was_read(self) -> None:
        self._polls = 0
        self.time_reads += 1

    # bus

    def bus_read(self, address: int, width: int) -> int:
        """A load from a device; sub-word accesses take their bytes of the word."""
        memory = self.cpu.view(address, width)
        if memory is not None:
            return int.from_bytes(memory, "little")
        word = self._read_word(address & ~3)
        return word >> 8 * (address & 3) & ((1 << 8 * width) - 1)

    def bus_write(self, address: int, width: int, value: int) -> None:
        """A store to a device."""
        memory = self.cpu.view(address, width)
        if memory is not None:
            memory[:] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
            return
        self._polls = 0
        base, offset, block = self._block(address & ~3)
        if width < 4:
            shift = 8 * (address & 3)
            mask = ((1 << 8 * width) - 1) << shift
            # Write-only data registers see the byte itself; control registers keep their other bytes.
            value = (
                block.regs.get(offset, 0) & ~mask | value << shift & mask if shift or offset in block.regs else value
            )
        block.write(offset, value)
        if base == 0xE000_E000 and self._running:
            self.cpu.end_quantum()

    def _read_word(self, address: int) -> int:
        _, offset, block = self._block(address)
        return block.read(offset) & 0xFFFF_FFFF

    def _block(self, address: int) -> tuple[int, int, Peripheral]:
        if address >> 12 == 0xE000E:
            return 0xE000_E000, address & 0xFFF, self.scs
        base = address & ~0x3FF
        block = self._blocks.get(base)
        if block is None:
            block = self._blocks[base] = Peripheral(self)
        return base, address - base, block

    # exceptions

    def _enter(self, number: int) -> None:
        """Push the frame and start the handler (DDI 0403, B1.5.6)."""
        r0, r1, r2, r3, r12, lr, _, xpsr, sp, control = self.cpu.frame()
        with_fp = bool(control & 4) and self.scs.fpu_enabled
        frame = (sp - (0x68 if with_fp else 0x20)) & ~7 if self.scs.regs.get(Scs.CCR, 0x200) & 0x200 else sp - 0x20
        padded = bool((sp - (0x68 if with_fp else 0x20)) & 4) and frame & 7 == 0
        words = [r0, r1, r2, r3, r12, lr, self.pc, xpsr & ~0x200 | padded << 9]
        if with_fp:
            words += [*self.cpu.fp(), 0]
        if not self.cpu.store(frame, words):
            raise report(self, f"stacking for exception {number} at {frame:#010x}", "the stack pointer is outside RAM")
        back = 0xFFFF_FFF1 if xpsr & 0x1FF else 0xFFFF_FFFD if control & 2 else 0xFFFF_FFF9
        back &= self.chip.core.exceptions.return_mask
        if control & 2 and not xpsr & 0x1FF:
            self.cpu.set("sp", frame)  # PSP
            self.cpu.set("control", control & 1)
        else:
            self.cpu.set("control", control & 3)
            self.cpu.set("sp", frame)
        self.cpu.set("lr", back & ~0x10 if with_fp else back)
        self.cpu.set("xpsr", xpsr & 0xF80F_0000 | 0x0100_0000 | number)
        self.nvic.enter(number)
        handler = self.cpu.words(self.scs.vtor + 4 * number, 1)
        if not handler or not handler[0] & 1:
            raise report(self, f"vector {number} at {self.scs.vtor + 4 * number:#010x}", "the vector table is wrong")
        self.pc = handler[0] & ~1

    def _return(self) -> None:
        """Pop the frame that the EXC_RETURN in PC names (DDI 0403, B1.5.8)."""
        value = self.cpu.pc()
        number = self.cpu.get("xpsr") & 0x1FF
        self.nvic.leave(number)
        masks = self.cpu.masks()
        if masks[2]:
            self.cpu.set_masks([masks[0], masks[1], 0])
        to_thread, uses_psp, with_fp = bool(value & 8), bool(value & 4), not value & 0x10
        control = self.cpu.get("control")
        self.cpu.set("xpsr", 0x0100_0000)  # thread mode, so that SPSEL can be written
        if uses_psp:
            self.cpu.set("control", control & 1 | 2)
        frame = self.cpu.get("sp")
        words = self.cpu.words(frame, 26 if with_fp else 8)
        if words is None:
            raise report(self, f"unstacking at {frame:#010x}", "the stack pointer is outside RAM")
        self.cpu.set_frame(words[:6])
        if with_fp:
            self.cpu.set_fp(words[8:25])
        xpsr = words[7]
        self.cpu.set("sp", frame + (0x68 if with_fp else 0x20) + (4 if xpsr & 0x200 else 0))
        self.cpu.set("control", control & 1 | (2 if uses_psp else 0) | (4 if with_fp else 0))
        self.cpu.set("xpsr", xpsr & ~0x200 | 0x0100_0000)
        self.pc = words[6] & ~1
        if to_thread == bool(xpsr & 0x1FF):
            raise report(self, f"exception return to {value | 1:#010x}", "EXC_RETURN does not fit the stacked state")

    def _charge(self, cycles: int) -> None:
        self._cycles20 += cycles * ONE
        self.activity.active_cycles += cycles

    def _exceptions(self) -> None:
        """Take what may be taken now; note what is masked, so that the next quantum is short."""
        self._masked = False
        if not self.nvic.pending:
            return
        if self.nvic.best() is None:
            return
        masks = self.cpu.masks()
        number = self.nvic.next(masks)
        if number is not None:
            self._charge(self.chip.core.exceptions.entry_cycles)
            self.sleeping = False
            self._enter(number)
        else:
            self._masked = any(masks) and self.nvic.next((0, 0, 0)) is not None

    # running

    def advance(self, until_ps: int) -> None:
        """Run until virtual time `until_ps`, or until `stopping` is set (a line of output is complete)."""
        while not self.stopping:
            if self._clock_change_pending:
                self._take_clock_change()
            now = self.now_ps()
            while self._events and self._events[0][0] <= now:
                event = heapq.heappop(self._events)[2]
                if not event.cancelled:
                    event.action()
            if self.scs.reset_requested:
                self.reset()
            self._exceptions()
            if now >= until_ps or self.stopping:
                return
            due = min(self._events[0][0], until_ps) if self._events else until_ps
            self._loops = False
            if self.sleeping:
                if self.nvic.wakes(self.cpu.masks()):
                    self.sleeping = False
                else:
                    passed = self._skip_to(due)
                    self.activity.idle_cycles += passed
                    self.waited_cycles += passed
                    continue
            if self._waiting or (self._may_look() and self.waiting.waits()):
                self._waiting = False
                if self.stopping or self.sleeping or self.nvic.next(self.cpu.masks()) is not None:
                    continue  # looking for a waiting loop executed something
                self._loops = True
                passed = self._skip_to(due)
                self.activity.active_cycles += passed
                self.waited_cycles += passed
                continue
            self._quantum(due)

    def _take_clock_change(self) -> None:
        self._clock_change_pending = False
        self._retime()
        for block in (*self._blocks.values(), self.scs.systick):
            block.after_clock_change()  # type: ignore[attr-defined]  # SysTick has the same two methods

    def _may_look(self) -> bool:
        """A waiting loop may be looked for: not in detail, and not in a short section with interrupts masked."""
        return self.pipeline is None and (not self._masked or self._masked_steps > 128)

    def step(self, count: int) -> Stop:
        """Execute a few instructions, outside of events and exceptions; why it ended."""
        if self.pipeline is not None:
            self.pipeline.begin()
        self._running = True
        try:
            ran = self.cpu.run(self.pc, count)
        finally:
            self._running = False
        self._account(ran)
        self.pc = self.cpu.pc()
        self._ended(ran)
        return ran.why

    def _new_block(self, address: int, size: int) -> None:
        """A block is about to run for the first time: stop in front of it where guard.py wants to look at it."""
        view = self.cpu.view(address, size) if not self._walking else None
        if view is not None:
            found = [one for one in specials(address, bytes(view)) if one.address not in self._checked]
            if found:
                self._specials = found
                self.cpu.end_quantum()

    def _walk(self) -> None:
        """Step through the block in front of which `_new_block` stopped, checking what guard.py found in it."""
        waiting, self._specials = self._specials, []
        self._walking = True
        try:
            for one in waiting:
                self._checked.add(one.address)
                while self.pc < one.address and self.step(1) == "limit":
                    pass
                if self.pc != one.address:
                    return  # an exception or a wait came first
                if one.kind == "fp" and not self.scs.fpu_enabled:
                    raise report(self, "NOCP", "")
                if one.base >= 0 and self.cpu.registers()[one.base] & 3:
                    raise report(self, f"UNALIGNED, r{one.base} = {self.cpu.registers()[one.base]:#010x}", "")
        finally:
            self._walking = False

    def _quantum(self, due_ps: int) -> None:
        count = self._instructions_until(due_ps)
        if self._masked:
            # Step by step, so that the exception runs right behind the CPSIE or MSR that lets it; a section that stays
            # masked for long is looked at less and less often.
            count = min(count, 1 << min(self._masked_steps // 64 * 3, 18))
            self._masked_steps += 1
        else:
            self._masked_steps = 0
        if self.pipeline is None:
            count = min(count, self.waiting.instructions_to_look())
        self.step(count)
        if self._specials:
            self._walk()

    def _ended(self, ran: Ran) -> None:
        """What the end of a quantum asks for."""
        if ran.why == "limit":
            return
        if ran.why in {"wfi", "wfe"}:
            self.sleeping = not self.nvic.wakes(self.cpu.masks())
        elif ran.why == "return":
            self._return()
            chained = self.nvic.next(self.cpu.masks())
            # Tail-chaining: 6 cycles in place of a return and an entry; the entry is charged when it is taken.
            costs = self.chip.core.exceptions
            self._charge(costs.exit_cycles if chained is None else costs.tail_chain_cycles - costs.entry_cycles)
        elif ran.why == "svc":
            self.nvic.pending.add(SVCALL)
            if self.nvic.next(self.cpu.masks()) != SVCALL:
                raise report(self, "SVC where its priority does not let it run", "SVC is escalated to HardFault")
        else:
            raise report(self, ran.detail or ran.why, "")

    def _account(self, ran: Ran) -> None:
        self._instructions += ran.executed
        self.activity.instructions += ran.executed
        before = self._cycles20 // ONE
        if self.pipeline is not None:
            self._cycles20 += self.pipeline.end() * ONE
            self.activity.flash_line_reads = self.pipeline.counts.code_misses
            self.activity.flash_data_misses = self.pipeline.counts.data_misses
        else:
            self._cycles20 += ran.executed * self._cpi20
        self.activity.active_cycles += self._cycles20 // ONE - before
