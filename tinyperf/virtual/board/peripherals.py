"""Peripherals common to STM32 families: register behaviour as the reference manuals state it, in virtual time.

A register nobody here knows is storage with its reset value. Times are integer picoseconds of virtual time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tinyperf.virtual.board.clock import PS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Event:
    """Something that will happen; `cancel` makes it not happen."""

    __slots__ = ("action", "cancelled")

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Host(Protocol):
    """What a peripheral sees of the machine around it."""

    def now_ps(self) -> int:
        """Virtual time, exact at the instruction that accesses the peripheral."""

    def at(self, ps: int, action: Callable[[], None]) -> Event:
        """Do something then."""

    def irq(self, number: int, asserted: bool) -> None:
        """Level of an interrupt line."""

    def clock_hz(self, name: str) -> int:
        """A clock of the SoC by name: hclk, pclk1, pclk2, tim1, tim2, lpuart1, ..."""

    def cycles(self) -> int:
        """Core cycles since power-on, exact at the accessing instruction."""

    def clocks_changed(self) -> None:
        """The clock tree was written; every clock may differ from now on."""

    def received(self, data: bytes) -> None:
        """A serial port finished sending these bytes."""

    def view(self, address: int, size: int) -> memoryview | None:
        """Memory shared with the core, for DMA."""

    def bus_read(self, address: int, width: int) -> int:
        """A read as the core would do it, for DMA."""

    def bus_write(self, address: int, width: int, value: int) -> None:
        """A write as the core would do it, for DMA."""

    def polled(self, status: int) -> None:
        """A status register was read; a loop that reads the same again and again waits for an event."""

    def time_was_read(self) -> None:
        """A counter that runs by itself was read: the loop that reads it is not idle."""


class Clocked(Protocol):
    """What goes by a clock that the firmware may change."""

    def before_clock_change(self) -> None:
        """The clocks are still the old ones: settle what depends on them."""

    def after_clock_change(self) -> None:
        """The clocks are the new ones: schedule anew."""


class Peripheral:
    """A block of 32-bit registers; this one only stores."""

    def __init__(self, host: Host, resets: dict[int, int] | None = None) -> None:
        self.host = host
        self.resets = resets or {}
        self.regs: dict[int, int] = dict(self.resets)

    def reset(self) -> None:
        self.regs = dict(self.resets)

    def read(self, offset: int) -> int:
        return self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.regs[offset] = value

    def before_clock_change(self) -> None:
        """The clocks are still the old ones: settle what depends on them."""

    def after_clock_change(self) -> None:
        """The clocks are the new ones: schedule anew."""


class Pins:
    """The board around the pins: every edge of an output as (picoseconds, pin, level), and what ties pins together.

    `wires`: input pin -> output pin.
    """

    def __init__(self, edges: list[tuple[int, str, int]], wires: Mapping[str, str]) -> None:
        self.edges, self.wires = edges, wires
        self.ports: dict[str, Gpio] = {}

    def tied_high(self, letter: str) -> int:
        """The inputs of one port that an output holds high, as bits."""
        held = [pin for pin, source in self.wires.items() if pin[1] == letter and self._high(source)]
        return sum(1 << int(pin[2:]) for pin in held)

    def _high(self, pin: str) -> int:
        port = self.ports.get(pin[1])
        return port.driven() >> int(pin[2:]) & 1 if port else 0


class Gpio(Peripheral):
    """One port."""

    def __init__(self, host: Host, letter: str, pins: Pins, resets: dict[int, int]) -> None:
        super().__init__(host, resets)
        self.letter, self.pins = letter, pins
        pins.ports[letter] = self

    def read(self, offset: int) -> int:
        if offset == 0x10:  # IDR: outputs read back, inputs are low unless something on the board drives them
            return self.driven() | self.pins.tied_high(self.letter)
        return self.regs.get(offset, 0)

    def driven(self) -> int:
        """The outputs that are high, as bits."""
        return self._outputs() & self.regs.get(0x14, 0)

    def _outputs(self) -> int:
        moder = self.regs.get(0x00, 0)
        return sum(1 << pin for pin in range(16) if moder >> (2 * pin) & 3 == 1)

    def write(self, offset: int, value: int) -> None:
        odr = self.regs.get(0x14, 0)
        if offset == 0x18:  # BSRR: set wins over reset
            self._set(odr & ~(value >> 16) | value & 0xFFFF)
        elif offset == 0x28:  # BRR
            self._set(odr & ~value)
        elif offset == 0x14:
            self._set(value)
        elif offset != 0x10:
            self.regs[offset] = value

    def _set(self, value: int) -> None:
        value &= 0xFFFF
        changed = (value ^ self.regs.get(0x14, 0)) & self._outputs()
        self.regs[0x14] = value
        if changed:
            now = self.host.now_ps()
            for pin in range(16):
                if changed >> pin & 1:
                    self.pins.edges.append((now, f"P{self.letter}{pin}", value >> pin & 1))


class Timer(Peripheral):
    """General-purpose, basic and advanced timers, counting up: CNT, PSC, ARR, update and compare flags, interrupts.

    The counter is computed from virtual time when it is read; events exist only for enabled interrupts.
    """

    CR1, DIER, SR, EGR, CNT, PSC, ARR, CCR1 = 0x00, 0x0C, 0x10, 0x14, 0x24, 0x28, 0x2C, 0x34

    def __init__(self, host: Host, *, clock: str, irq: int, bits: int = 16, irq_compare: int | None = None) -> None:
        mask = (1 << bits) - 1
        super().__init__(host, {self.ARR: mask})
        self.clock, self.irq, self.mask = clock, irq, mask
        self.irq_compare = irq if irq_compare is None else irq_compare
        self._zero()

    def _zero(self) -> None:
        self._count0 = 0  # counter value at _ps0
        self._ps0 = 0
        self._psc = 0  # the prescaler in use; PSC itself is taken over at an update
        self._event: Event | None = None

    def reset(self) -> None:
        super().reset()
        self._zero()

    def _running(self) -> bool:
        return bool(self.regs.get(self.CR1, 0) & 1)

    def _rate(self) -> tuple[int, int]:
        """Counts per picosecond as a fraction."""
        return self.host.clock_hz(self.clock), (self._psc + 1) * PS

    def _period(self) -> int:
        return (self.regs.get(self.ARR, self.mask) & self.mask) + 1

    def _raw(self) -> int:
        """Counts since the counter was 0, overflows not taken off."""
        if not self._running():
            return self._count0
        num, den = self._rate()
        return self._count0 + (self.host.now_ps() - self._ps0) * num // den

    def _settle(self) -> int:
        """Bring flags up to date with time; the counter."""
        raw = self._raw()
        count = raw % self._period() if raw >= self._period() else raw
        if self._running():
            flags = 0
            if raw >= self._period():
                flags |= 1
            for channel in range(4):
                compare = self.regs.get(self.CCR1 + 4 * channel, 0)
                if self._count0 < compare <= raw or (raw >= self._period() and compare <= count):
                    flags |= 2 << channel
            num, den = self._rate()
            # Keep the fraction of a count that has passed: move the anchor by whole counts only.
            self._ps0 += -(-(raw - self._count0) * den // num)
            self._count0 = count
            if flags:
                if flags & 1:
                    self._psc = self.regs.get(self.PSC, 0)
                    if self.regs.get(self.CR1, 0) & 8:  # one-pulse mode
                        self.regs[self.CR1] &= ~1
                        self._count0 = count = 0
                self.regs[self.SR] = self.regs.get(self.SR, 0) | flags
                self._line()
        return count

    def _line(self) -> None:
        active = self.regs.get(self.SR, 0) & self.regs.get(self.DIER, 0)
        if self.irq_compare == self.irq:
            self.host.irq(self.irq, bool(active & 0x1F))
        else:
            self.host.irq(self.irq, bool(active & 1))
            self.host.irq(self.irq_compare, bool(active & 0x1E))

    def _plan(self) -> None:
        """Schedule the next flag that would raise an interrupt."""
        if self._event:
            self._event.cancel()
            self._event = None
        enabled = self.regs.get(self.DIER, 0) & 0x1F & ~self.regs.get(self.SR, 0)
        if not self._running() or not enabled:
            return
        ahead = []
        period = self._period()
        if enabled & 1:
            ahead.append(period - self._count0)
        for channel in range(4):
            if enabled >> (channel + 1) & 1:
                compare = self.regs.get(self.CCR1 + 4 * channel, 0)
                ahead.append(
                    compare - self._count0 if compare > self._count0 else period - self._count0 + min(compare, period)
                )
        num, den = self._rate()
        if num:
            self._event = self.host.at(self._ps0 + -(-max(1, min(ahead)) * den // num), self._due)

    def _due(self) -> None:
        self._event = None
        self._settle()
        self._plan()

    def before_clock_change(self) -> None:
        self._settle()

    def after_clock_change(self) -> None:
        self._plan()

    def read(self, offset: int) -> int:
        if offset == self.CNT:
            self.host.time_was_read()
            return self._settle()
        if offset == self.SR:
            self._settle()
        return self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        count = self._settle()
        if offset == self.SR:
            self.regs[offset] = self.regs.get(offset, 0) & value
        elif offset == self.EGR:
            if value & 1:
                self._psc = self.regs.get(self.PSC, 0)
                self._restart(0)
                if not self.regs.get(self.CR1, 0) & 6:
                    self.regs[self.SR] = self.regs.get(self.SR, 0) | 1
            self.regs[self.SR] = self.regs.get(self.SR, 0) | value & 0x1E
        elif offset == self.CNT:
            self._restart(value & self.mask)
        elif offset == self.CR1:
            self._restart(count)
            self.regs[offset] = value
        else:
            self.regs[offset] = value
        self._line()
        self._plan()

    def _restart(self, count: int) -> None:
        self._count0 = count
        self._ps0 = self.host.now_ps()


class Uart(Peripheral):
    """USART and LPUART with separate ISR and ICR (STM32 F0, F3, F7, L4, G0, U5, ...): polling, interrupts, DMA, FIFO.

    Bytes take their time on the line both ways: start, data and stop bits at the rate that BRR and the clock give.
    Reception overruns as the hardware does when the firmware is too slow.
    """

    CR1, CR2, CR3, BRR, RQR, ISR, ICR, RDR, TDR, PRESC = 0x00, 0x04, 0x08, 0x0C, 0x18, 0x1C, 0x20, 0x24, 0x28, 0x2C
    ORE, IDLE, RXNE, TC, TXE, CMF = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 17
    PRESCALERS = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)

    def __init__(self, host: Host, *, clock: str, irq: int, low_power: bool = False) -> None:
        super().__init__(host)
        self.clock, self.irq, self.low_power = clock, irq, low_power
        self.rx_request: Callable[[], None] | None = None
        self.tx_request: Callable[[], None] | None = None
        self._zero()

    def _zero(self) -> None:
        self._flags = self.TC | self.TXE
        self._incoming: list[int] = []  # bytes on their way from the host, in reverse
        self._received: list[int] = []  # waiting in the data register or the FIFO
        self._queued: list[int] = []  # written by the firmware, not yet in the shift register
        self._shifting = False
        self._arrival: Event | None = None
        self._line_idle: Event | None = None
        self.last_sent_ps = -1

    def reset(self) -> None:
        super().reset()
        self._zero()

    @property
    def listening(self) -> bool:
        """Enabled with the receiver on."""
        return self.regs.get(self.CR1, 0) & 5 == 5

    @property
    def silent(self) -> bool:
        """Nothing is on the line in either direction."""
        return not (self._shifting or self._queued or self._arrival)

    def baud(self) -> int:
        """Bits per second; 0 while BRR is not set."""
        brr = self.regs.get(self.BRR, 0)
        clock = self.host.clock_hz(self.clock) // self.PRESCALERS[min(self.regs.get(self.PRESC, 0) & 15, 11)]
        if not brr:
            return 0
        if self.low_power:
            return 256 * clock // brr
        if self.regs.get(self.CR1, 0) & 1 << 15:  # OVER8
            return 2 * clock // (brr & 0xFFF0 | (brr & 7) << 1)
        return clock // brr

    def byte_ps(self) -> int:
        """Time of one frame on the line."""
        cr1 = self.regs.get(self.CR1, 0)
        bits = 10 + (cr1 >> 12 & 1) - (cr1 >> 28 & 1) + (self.regs.get(self.CR2, 0) >> 13 & 1)
        return bits * PS // (self.baud() or 115200)

    def send_to_firmware(self, data: bytes) -> None:
        """Bytes from the host; they wait while the receiver is off."""
        self._incoming[:0] = data[::-1]
        self._plan_arrival()

    def _plan_arrival(self) -> None:
        if self._incoming and self.listening and self._arrival is None:
            if self._line_idle:
                self._line_idle.cancel()
            self._arrival = self.host.at(self.host.now_ps() + self.byte_ps(), self._arrived)

    def _depth(self) -> int:
        return 8 if self.regs.get(self.CR1, 0) & 1 << 29 else 1

    def _arrived(self) -> None:
        self._arrival = None
        byte = self._incoming.pop()
        if len(self._received) >= self._depth():
            self._flags |= self.ORE
        else:
            self._received.append(byte)
        if byte == self.regs.get(self.CR2, 0) >> 24:
            self._flags |= self.CMF
        self._feed_rx_dma()
        if self._incoming:
            self._plan_arrival()
        else:
            self._line_idle = self.host.at(self.host.now_ps() + self.byte_ps(), self._went_idle)
        self._line()

    def _feed_rx_dma(self) -> None:
        if self.regs.get(self.CR3, 0) & 1 << 6 and self._received and self.rx_request:
            self.rx_request()

    def _went_idle(self) -> None:
        self._line_idle = None
        self._flags |= self.IDLE
        self._line()

    def poll_dma(self) -> None:
        """A DMA channel was enabled: it may take what already waits here."""
        self._feed_rx_dma()
        self._ask_for_more()

    def _status(self) -> int:
        flags = self._flags & ~(self.RXNE | self.TXE)
        if self._received:
            flags |= self.RXNE
        if len(self._queued) < self._depth():
            flags |= self.TXE
        cr1 = self.regs.get(self.CR1, 0)
        return flags | (cr1 & 8) << 18 | (cr1 & 4) << 20 | (1 << 23 if not self._queued else 0)  # TEACK, REACK, TXFE

    def _line(self) -> None:
        status, cr1, cr3 = self._status(), self.regs.get(self.CR1, 0), self.regs.get(self.CR3, 0)
        active = cr1 & 1 and (
            (cr1 & status & (self.IDLE | self.TC | self.TXE))
            or (cr1 & self.RXNE and status & (self.RXNE | self.ORE))
            or (cr1 & 1 << 14 and status & self.CMF)
            or (cr3 & 1 and status & self.ORE)
            or (cr3 & 1 << 28 and status & self.RXNE)
            or (cr3 & 1 << 23 and not self._queued)
        )
        self.host.irq(self.irq, bool(active))

    def read(self, offset: int) -> int:
        if offset == self.ISR:
            status = self._status()
            self.host.polled(status)
            return status
        if offset == self.RDR:
            byte = self._received.pop(0) if self._received else self.regs.get(self.RDR, 0)
            self.regs[self.RDR] = byte
            self._line()
            return byte
        return self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset == self.TDR:
            if len(self._queued) < self._depth():
                self._queued.append(value & 0xFF)
            self._flags &= ~self.TC
            self._start()
        elif offset == self.ICR:
            self._flags &= ~(value & (self.ORE | self.IDLE | self.TC | self.CMF))
        elif offset == self.RQR:
            if value & 8:
                self._received.clear()
        elif offset != self.ISR:
            self.regs[offset] = value
            if offset in {self.CR1, self.CR3}:
                self._plan_arrival()
                self._start()
                self._feed_rx_dma()
                self._ask_for_more()
        self._line()

    def _start(self) -> None:
        cr1 = self.regs.get(self.CR1, 0)
        if self._queued and not self._shifting and cr1 & 9 == 9:
            self._shifting = True
            byte = self._queued.pop(0)
            self.host.at(self.host.now_ps() + self.byte_ps(), lambda: self._sent(byte))
            self._ask_for_more()

    def _ask_for_more(self) -> None:
        cr1 = self.regs.get(self.CR1, 0)
        if self.regs.get(self.CR3, 0) & 1 << 7 and cr1 & 9 == 9 and self.tx_request:
            while len(self._queued) < self._depth():
                before = len(self._queued)
                self.tx_request()
                if len(self._queued) == before:
                    break

    def _sent(self, byte: int) -> None:
        self._shifting = False
        self.last_sent_ps = self.host.now_ps()
        self.host.received(bytes([byte]))
        self._start()
        if not self._shifting and not self._queued:
            self._flags |= self.TC
        self._line()


class Dma(Peripheral):
    """DMA1/DMA2 of L4: seven channels, each moved one item by one request of its peripheral, or memory to memory.

    `request_of(channel)` names the request that DMAMUX routes to a channel.
    """

    def __init__(self, host: Host, *, irqs: tuple[int, ...], request_of: Callable[[int], int]) -> None:
        super().__init__(host)
        self.irqs, self.request_of = irqs, request_of
        self._start: dict[int, tuple[int, int, int]] = {}  # channel -> CNDTR, CPAR, CMAR when it was enabled
        self.enabled: Callable[[int], None] | None = None

    def reset(self) -> None:
        super().reset()
        self._start.clear()

    def read(self, offset: int) -> int:
        return self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset == 4:  # IFCR: writing a global bit clears all four
            for channel in range(7):
                bits = value >> 4 * channel & 15
                self.regs[0] = self.regs.get(0, 0) & ~((15 if bits & 1 else bits) << 4 * channel)
            self._lines()
            return
        old = self.regs.get(offset, 0)
        self.regs[offset] = value
        channel, reg = divmod(offset - 8, 20)
        if 0 <= channel < 7 and reg == 0:
            if value & 1 and not old & 1:
                at = 8 + 20 * channel
                self._start[channel] = (self.regs.get(at + 4, 0), self.regs.get(at + 8, 0), self.regs.get(at + 12, 0))
                if value & 1 << 14:
                    while self._move(channel):
                        pass
                elif self.enabled:
                    self.enabled(self.request_of(channel))
            self._lines()

    def serve(self, request: int) -> None:
        """One item for the channel that this request is routed to, if one waits for it."""
        for channel in range(7):
            if self.request_of(channel) == request and self.regs.get(8 + 20 * channel, 0) & 1:
                self._move(channel)
                self._lines()

    def _move(self, channel: int) -> bool:
        at = 8 + 20 * channel
        ccr, left = self.regs[at], self.regs.get(at + 4, 0)
        if not left or channel not in self._start:
            return False
        total, _, _ = self._start[channel]
        done = total - left
        peripheral_width, memory_width = 1 << (ccr >> 8 & 3), 1 << (ccr >> 10 & 3)
        peripheral = self.regs.get(at + 8, 0) + (done * peripheral_width if ccr & 1 << 6 else 0)
        memory = self.regs.get(at + 12, 0) + (done * memory_width if ccr & 1 << 7 else 0)
        if ccr & 1 << 4:
            self.host.bus_write(peripheral, peripheral_width, self.host.bus_read(memory, memory_width))
        else:
            self.host.bus_write(memory, memory_width, self.host.bus_read(peripheral, peripheral_width))
        left -= 1
        flags = (4 if left == total // 2 else 0) | (2 if left == 0 else 0)
        if flags:
            self.regs[0] = self.regs.get(0, 0) | (flags | 1) << 4 * channel
        self.regs[at + 4] = total if left == 0 and ccr & 1 << 5 else left
        return bool(left)

    def _lines(self) -> None:
        for channel, irq in enumerate(self.irqs):
            active = self.regs.get(0, 0) >> 4 * channel & self.regs.get(8 + 20 * channel, 0) & 0xE
            self.host.irq(irq, bool(active))
