"""System control space of Armv7-M/Armv8-M: NVIC, SysTick, SCB; DWT and debug registers beside it.

Source: Armv7-M Architecture Reference Manual (DDI 0403), B1.5 (exceptions) and B3 (system control space).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.clock import PS
from tinyperf.virtual.board.peripherals import Event, Host, Peripheral

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.cores import Core

NMI, HARD_FAULT, SVCALL, PENDSV, SYSTICK = 2, 3, 11, 14, 15
THREAD_PRIORITY = 256  # lower than any exception
FIXED_IN_ARMV6_M = frozenset({0xD00, 0xD14, *range(0xD28, 0xD40, 4), 0xD88, 0xF00})
"""CPUID, CCR; absent, so that they read 0: fault status and addresses, CPACR, STIR (DDI 0419, B3.2)."""


class Nvic:
    """Which exception may run now. Numbers are exception numbers: interrupt n is 16 + n."""

    def __init__(self, interrupts: int, priority_bits: int) -> None:
        self.count = 16 + interrupts
        self.priority_mask = 0xFF & 0xFF << (8 - priority_bits)
        self.reset()

    def reset(self) -> None:
        self.enabled = bytearray(self.count)
        self.enabled[:16] = b"\1" * 16
        self.priority = [0] * self.count
        self.priority[NMI], self.priority[HARD_FAULT] = -2, -1
        self.pending: set[int] = set()
        self.level: set[int] = set()
        self.active: list[int] = []
        self.group_bits = 0  # AIRCR.PRIGROUP

    def group(self, priority: int) -> int:
        """The part of a priority that decides about preemption."""
        return priority if priority < 0 else priority >> (self.group_bits + 1) << (self.group_bits + 1)

    def set_level(self, number: int, asserted: bool) -> None:
        """Level of an interrupt line; a line that is high becomes pending unless its handler runs."""
        if asserted:
            if number not in self.level:
                self.level.add(number)
                if number not in self.active:
                    self.pending.add(number)
        else:
            self.level.discard(number)
            # A peripheral's level interrupt that goes away before it was taken stays pending (DDI 0403, B3.4.1).

    def execution_priority(self, primask: int, basepri: int, faultmask: int) -> int:
        """Priority that an exception must beat."""
        best = THREAD_PRIORITY
        for number in self.active:
            best = min(best, self.group(self.priority[number]))
        if basepri:
            best = min(best, self.group(basepri))
        if primask:
            best = min(best, 0)
        return min(best, -1) if faultmask else best

    def best(self) -> int | None:
        """The pending and enabled exception of highest priority, lowest number first among equals."""
        found = [n for n in self.pending if self.enabled[n]]
        return min(found, key=lambda n: (self.priority[n], n)) if found else None

    def next(self, masks: Sequence[int]) -> int | None:
        """The exception to take now, given PRIMASK, BASEPRI, FAULTMASK."""
        best = self.best()
        if best is None or self.group(self.priority[best]) >= self.execution_priority(*masks):
            return None
        return best

    def wakes(self, masks: Sequence[int]) -> bool:
        """WFI ends: an exception is pending that would be taken if PRIMASK were clear."""
        best = self.best()
        return best is not None and self.group(self.priority[best]) < self.execution_priority(0, masks[1], masks[2])

    def enter(self, number: int) -> None:
        self.pending.discard(number)
        self.active.append(number)

    def leave(self, number: int) -> None:
        """The handler of `number` returned; a line that is still high is pending again."""
        if number in self.active:
            self.active.remove(number)
        if number in self.level:
            self.pending.add(number)


class Scs(Peripheral):
    """0xE000E000: SysTick, NVIC and SCB registers."""

    VTOR, AIRCR, ICSR, CPACR, CCR = 0xD08, 0xD0C, 0xD04, 0xD88, 0xD14

    def __init__(self, host: Host, nvic: Nvic, *, cpuid: int, core: Core) -> None:
        # STKALIGN; of Armv6-M, where both are fixed, UNALIGN_TRP too.
        alignment = 0x208 if core.architecture == "armv6-m" else 0x200
        super().__init__(host, {0xD00: cpuid, self.CCR: alignment, 0xF34: 0xC0000000, 0x1C: 0x4000_0000, 0xD90: 0x800})
        self.nvic = nvic
        self._has_fpu = "fpu" in core.features
        self._fixed = FIXED_IN_ARMV6_M if core.architecture == "armv6-m" else frozenset({0xD00})
        self.reset_requested = False
        self.systick = SysTick(host, nvic)

    def reset(self) -> None:
        super().reset()
        self.systick.reset()
        self.reset_requested = False

    @property
    def vtor(self) -> int:
        return self.regs.get(self.VTOR, 0)

    @property
    def fpu_enabled(self) -> bool:
        """CPACR gives full access to CP10 and CP11."""
        return self._has_fpu and self.regs.get(self.CPACR, 0) >> 20 & 0xF == 0xF

    @property
    def code_cache(self) -> bool:
        """CCR.IC."""
        return bool(self.regs.get(self.CCR, 0) >> 17 & 1)

    @property
    def data_cache(self) -> bool:
        """CCR.DC."""
        return bool(self.regs.get(self.CCR, 0) >> 16 & 1)

    def read(self, offset: int) -> int:
        n = self.nvic
        if 0x10 <= offset <= 0x1C:
            return self.systick.read(offset)
        if 0x100 <= offset < 0x400:
            bank, first = offset & 0x380, 16 + 8 * (offset & 0x7F & ~3)
            found = {i for i in range(n.count) if n.enabled[i]} if bank < 0x200 else set(n.pending)
            found = set(n.active) if bank == 0x300 else found
            return sum(1 << i for i in range(32) if first + i in found)
        if 0x400 <= offset < 0x600:
            return self._priorities(16 + offset - 0x400)
        if 0xD18 <= offset <= 0xD20:
            return self._priorities(4 + offset - 0xD18)
        if offset == self.ICSR:
            best = n.best() or 0
            return (n.active[-1] if n.active else 0) | best << 12 | (PENDSV in n.pending) << 28
        if offset == self.AIRCR:
            return 0xFA050000 | n.group_bits << 8
        return self.regs.get(offset, 0)

    def _priorities(self, first: int) -> int:
        numbers = range(first, first + 4)
        return sum((self.nvic.priority[n] & 0xFF) << 8 * i for i, n in enumerate(numbers) if n < self.nvic.count)

    def write(self, offset: int, value: int) -> None:
        n = self.nvic
        if 0x10 <= offset <= 0x1C:
            self.systick.write(offset, value)
        elif 0x100 <= offset < 0x300:
            first = 16 + 8 * (offset & 0x7F & ~3)
            for number in (first + i for i in range(32) if value >> i & 1 and first + i < n.count):
                self._bit(offset & 0x380, number)
        elif 0x400 <= offset < 0x600:
            self._set_priorities(16 + offset - 0x400, value)
        elif 0xD18 <= offset <= 0xD20:
            self._set_priorities(4 + offset - 0xD18, value)
        elif offset == self.ICSR:
            self._icsr(value)
        elif offset == self.AIRCR:
            if value >> 16 == 0x05FA:
                n.group_bits = 0 if self.CPACR in self._fixed else value >> 8 & 7
                self.reset_requested = bool(value & 4)
        elif offset in self._fixed:
            pass
        elif offset == 0xF00:  # STIR
            n.pending.add(16 + (value & 0x1FF))
        else:
            self.regs[offset] = value

    def _bit(self, bank: int, number: int) -> None:
        n = self.nvic
        if bank == 0x100:
            n.enabled[number] = 1
        elif bank == 0x180:
            n.enabled[number] = 0
        elif bank == 0x200:
            n.pending.add(number)
        else:
            n.pending.discard(number)
            if number in n.level and number not in n.active:
                n.pending.add(number)

    def _set_priorities(self, first: int, value: int) -> None:
        for i in range(4):
            if 4 <= first + i < self.nvic.count:
                self.nvic.priority[first + i] = value >> 8 * i & self.nvic.priority_mask

    def _icsr(self, value: int) -> None:
        for bit, number, pend in ((28, PENDSV, 1), (27, PENDSV, 0), (26, SYSTICK, 1), (25, SYSTICK, 0), (31, NMI, 1)):
            if value >> bit & 1:
                if pend:
                    self.nvic.pending.add(number)
                else:
                    self.nvic.pending.discard(number)


class SysTick:
    """The 24-bit down counter, on the processor clock or an eighth of it."""

    CTRL, LOAD, VAL = 0x10, 0x14, 0x18

    def __init__(self, host: Host, nvic: Nvic) -> None:
        self.host, self.nvic = host, nvic
        self.reset()

    def reset(self) -> None:
        self.ctrl = self.load = 0
        self._value0, self._ps0, self._flag = 0, 0, False
        self._event: Event | None = None

    def _hz(self) -> int:
        return self.host.clock_hz("hclk") // (1 if self.ctrl & 4 else 8)

    def _settle(self) -> int:
        """The current value; notes that the counter passed 0 since the last look."""
        if not self.ctrl & 1:
            return self._value0
        hz = self._hz()
        ticks = (self.host.now_ps() - self._ps0) * hz // PS
        if ticks:
            self._ps0 += -(-ticks * PS // hz)
            left = self._value0 - ticks
            if left > 0:
                self._value0 = left
            else:
                # From 0 the next tick reloads, so a period is LOAD + 1 ticks.
                self._flag = self._flag or self._value0 > 0 or -left > self.load
                self._value0 = self.load - (-left - 1) % (self.load + 1) if left < 0 else 0
        return self._value0

    def _plan(self) -> None:
        if self._event:
            self._event.cancel()
            self._event = None
        if self.ctrl & 3 == 3 and self.load:
            ticks = self._value0 or self.load + 1
            self._event = self.host.at(self._ps0 + -(-ticks * PS // self._hz()), self._expired)

    def _expired(self) -> None:
        self._event = None
        self._settle()
        self.nvic.pending.add(SYSTICK)
        self._plan()

    def before_clock_change(self) -> None:
        self._settle()

    def after_clock_change(self) -> None:
        self._plan()

    def read(self, offset: int) -> int:
        if offset == self.VAL:
            self.host.time_was_read()
            return self._settle()
        if offset == self.CTRL:
            self.host.time_was_read()
            self._settle()
            flag, self._flag = self._flag, False
            return self.ctrl | flag << 16
        return self.load if offset == self.LOAD else 0x40000000

    def write(self, offset: int, value: int) -> None:
        self._settle()
        if offset == self.CTRL:
            if value & 1 and not self.ctrl & 1:
                self._ps0 = self.host.now_ps()
            self.ctrl = value & 7
        elif offset == self.LOAD:
            self.load = value & 0xFFFFFF
        elif offset == self.VAL:
            self._value0, self._flag, self._ps0 = 0, False, self.host.now_ps()
        self._plan()


class Dwt(Peripheral):
    """0xE0001000: the cycle counter; the rest is storage."""

    CTRL, CYCCNT = 0x00, 0x04

    def __init__(self, host: Host) -> None:
        super().__init__(host, {self.CTRL: 0x4000_0000})
        self._anchor: int | None = None

    def reset(self) -> None:
        super().reset()
        self._anchor = None

    def _cycles(self) -> int:
        return self.host.cycles()

    def read(self, offset: int) -> int:
        if offset == self.CYCCNT and self._anchor is not None:
            self.host.time_was_read()
            return self._cycles() - self._anchor & 0xFFFFFFFF
        return self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        now = self._cycles()
        count = self.read(self.CYCCNT)
        if offset == self.CTRL:
            self.regs[self.CYCCNT] = count
            self._anchor = now - count if value & 1 else None
        elif offset == self.CYCCNT and self._anchor is not None:
            self._anchor = now - value
        self.regs[offset] = value
