"""Counters of the PSoC 6 (mtb-pdl-cat1, cyip_tcpwm_v1.h): they count up, and interrupt at the end and at a compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.clock import PS
from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Event, Host

STOP_BIT, RELOAD, STOP, START, COUNTERS, EACH = 0x04, 0x10, 0x14, 0x18, 0x100, 0x40
CTRL, STATUS, COUNTER, COMPARE, PERIOD, RAISED, SET, MASK, MASKED = 0x00, 0x04, 0x08, 0x0C, 0x14, 0x30, 0x34, 0x38, 0x3C
AT_END, AT_COMPARE = 1, 2


class Tcpwm(Peripheral):
    """`first_clock`, `first_irq`: of counter 0, the others follow."""

    def __init__(self, host: Host, *, first_clock: int, first_irq: int, count: int, bits: int) -> None:
        super().__init__(host)
        self._all = (1 << bits) - 1
        self._counters = [_Counter(self, first_clock + n, first_irq + n, COUNTERS + EACH * n) for n in range(count)]

    def reset(self) -> None:
        super().reset()
        for one in self._counters:
            one.reset()

    def of(self, address: int, register: int) -> int:
        """A register of the counter whose registers begin at `address`."""
        whole = register in {COMPARE, PERIOD}
        return self.regs.get(address + register, self._all if whole else 0) & (self._all if whole else 0xFFFF_FFFF)

    def before_clock_change(self) -> None:
        for one in self._counters:
            one.settle()

    def after_clock_change(self) -> None:
        for one in self._counters:
            one.plan()

    def read(self, offset: int) -> int:
        number, register = divmod(offset - COUNTERS, EACH)
        if not 0 <= number < len(self._counters):
            return super().read(offset)
        one = self._counters[number]
        if register == COUNTER:
            self.host.time_was_read()
            return one.settle()
        if register == STATUS:
            return one.running << 31
        if register in {RAISED, MASKED}:
            one.settle()
        return one.raised() if register == MASKED else super().read(offset)

    def write(self, offset: int, value: int) -> None:
        number, register = divmod(offset - COUNTERS, EACH)
        if 0 <= number < len(self._counters):
            self._counters[number].write(register, value)
        elif offset < COUNTERS:
            self._command(offset, value)
        else:
            super().write(offset, value)

    def _command(self, offset: int, value: int) -> None:
        """Enable bits, set and clear; reload, stop, start."""
        enabled = self.regs.get(0, 0)
        self.regs[0] = {0: value, 4: enabled & ~value, 8: enabled | value}.get(offset, enabled)
        for number, one in enumerate(self._counters):
            if value >> number & 1:
                one.settle()
                if offset in {STOP_BIT, STOP}:
                    one.running = False
                elif offset in {RELOAD, START}:
                    one.start(anew=offset == RELOAD)
                one.plan()


class _Counter:
    """One of them."""

    def __init__(self, block: Tcpwm, clock: int, irq: int, address: int) -> None:
        self._block, self._clock, self._irq, self._address = block, str(clock), irq, address
        self.reset()

    def reset(self) -> None:
        self.running, self._value, self._since_ps = False, 0, 0
        self._event: Event | None = None

    def start(self, *, anew: bool) -> None:
        self.running, self._since_ps = True, self._block.host.now_ps()
        self._value = 0 if anew else self._value

    def _rate(self) -> tuple[int, int]:
        """Ticks in so many picoseconds."""
        return self._block.host.clock_hz(self._clock), PS << (self._block.of(self._address, CTRL) >> 8 & 7)

    def settle(self) -> int:
        """The value now; notes the end of a period and a compare since the last look."""
        if self.running:
            ticks_per, ps = self._rate()
            ticks = (self._block.host.now_ps() - self._since_ps) * ticks_per // ps
            if ticks:
                self._since_ps += -(-ticks * ps // ticks_per)
                self._pass(ticks)
        return self._value

    def _pass(self, ticks: int) -> None:
        period = self._block.of(self._address, PERIOD) + 1
        compare, reached = self._block.of(self._address, COMPARE), self._value + ticks
        flags = AT_END * (reached >= period) | AT_COMPARE * (self._value < compare <= reached)
        self._value = reached % period
        if flags:
            self._block.regs[self._address + RAISED] = self._block.of(self._address, RAISED) | flags
            self._line()

    def raised(self) -> int:
        """What was raised and may interrupt."""
        return self._block.of(self._address, RAISED) & self._block.of(self._address, MASK)

    def _line(self) -> None:
        self._block.host.irq(self._irq, bool(self.raised()))

    def plan(self) -> None:
        """Be called when the next interrupt is due."""
        if self._event:
            self._event.cancel()
            self._event = None
        mask = self._block.of(self._address, MASK) & 3
        if not self.running or not mask:
            return
        period, compare = self._block.of(self._address, PERIOD) + 1, self._block.of(self._address, COMPARE)
        ahead = [period - self._value] if mask & AT_END else []
        if mask & AT_COMPARE:
            ahead.append(compare - self._value + (0 if compare > self._value else period))
        ticks_per, ps = self._rate()
        due = self._since_ps + -(-max(1, min(ahead)) * ps // ticks_per)
        self._event = self._block.host.at(due, self._due)

    def _due(self) -> None:
        self._event = None
        self.settle()
        self.plan()

    def write(self, register: int, value: int) -> None:
        self.settle()
        regs, at = self._block.regs, self._address
        if register == COUNTER:
            self._value, self._since_ps = value, self._block.host.now_ps()
        elif register == RAISED:
            regs[at + RAISED] = self._block.of(at, RAISED) & ~value
        elif register == SET:
            regs[at + RAISED] = self._block.of(at, RAISED) | value
        else:
            regs[at + register] = value
        self._line()
        self.plan()
