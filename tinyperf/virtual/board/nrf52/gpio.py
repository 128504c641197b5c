"""GPIO of the nRF52840: P0 with 32 pins, and P1 with 16 at 0x300 in the same block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Host, Pins

PORT_BYTES = 0x300
OUT, OUTSET, OUTCLR, IN, DIR, DIRSET, DIRCLR, PIN_CNF = 0x504, 0x508, 0x50C, 0x510, 0x514, 0x518, 0x51C, 0x700


class Gpio(Peripheral):
    """0x50000000. Inputs are low; outputs read back."""

    def __init__(self, host: Host, pins: Pins) -> None:
        super().__init__(host)
        self.pins = pins

    @staticmethod
    def _port(offset: int) -> tuple[int, int]:
        """Port and register: from P1's OUT on, what P0 does not have."""
        port = int(offset >= PORT_BYTES + OUT and offset not in range(PIN_CNF, PIN_CNF + 128))
        return port, offset - PORT_BYTES * port

    def read(self, offset: int) -> int:
        port, register = self._port(offset)
        base = PORT_BYTES * port
        if register in {OUTSET, OUTCLR}:
            register = OUT
        elif register in {DIRSET, DIRCLR}:
            register = DIR
        elif register == IN:
            return self.regs.get(base + OUT, 0) & self.regs.get(base + DIR, 0)
        return self.regs.get(base + register, 0)

    def write(self, offset: int, value: int) -> None:
        port, register = self._port(offset)
        base = PORT_BYTES * port
        out, direction = self.regs.get(base + OUT, 0), self.regs.get(base + DIR, 0)
        written = {OUTSET: out | value, OUTCLR: out & ~value, OUT: value}
        if register in written:
            self._drive(port, out, written[register], direction)
        elif register in {DIRSET, DIRCLR, DIR}:
            self.regs[base + DIR] = {DIRSET: direction | value, DIRCLR: direction & ~value, DIR: value}[register]
        else:
            self.regs[offset] = value

    def _drive(self, port: int, before: int, after: int, direction: int) -> None:
        self.regs[PORT_BYTES * port + OUT] = after
        now = self.host.now_ps()
        for pin in range(32):
            if (before ^ after) & direction & 1 << pin:
                self.pins.edges.append((now, f"P{port}.{pin:02}", after >> pin & 1))
