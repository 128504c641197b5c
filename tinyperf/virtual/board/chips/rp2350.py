"""RP2350: bases and IRQs of the RP2350 datasheet and the pico-sdk's headers. One Arm core; the boot ROM is not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.chips import Soc
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins
from tinyperf.virtual.board.rp2 import clocks
from tinyperf.virtual.board.rp2.atomic import BLOCK_BYTES, Atomic
from tinyperf.virtual.board.rp2.pl011 import Pl011
from tinyperf.virtual.board.rp2.sio import PINS, Sio
from tinyperf.virtual.board.rp2.timer import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.chip import Chip

ROSC_HZ = 11_000_000
DEVICES = (
    (0x4000_0000, 0x2000_0000),
    (0xD000_0000, 0x1000),  # SIO
    (0xE000_0000, 0x10_0000),
)
M0_TIMING, M0_RFMT, M0_RCMD = 0x0C, 0x10, 0x14
XIP_LINE_BITS = 64
INPUT, ISOLATED = 1 << 6, 1 << 8
"""IE and ISO of a pad (9.11.3)."""
UART_FUNCTION = 2
RECEIVERS = ((1, 13, 17, 29), (5, 9, 21, 25))
"""Pins that each UART may receive on (9.4)."""
BOOT_QMI = {
    # Sequential reads chained, but not across 1 KiB; 7 cycles unselected; sampled a cycle late; a third of the clock.
    M0_TIMING: 1 << 30 | 2 << 28 | 7 << 12 | 2 << 8 | 3,
    # Command on one line, the rest on four; a command, 8 bits behind the address, and 16 of waiting.
    M0_RFMT: 4 << 16 | 2 << 14 | 1 << 12 | 2 << 8 | 2 << 6 | 2 << 4 | 2 << 2,
    M0_RCMD: 0xEB,
}
"""As the boot ROM tries first (pico-bootrom-rp2350, varm_generic_flash.c), and a W25Q answers."""


class Clocks(clocks.Clocks):
    """0x40010000, and QMI (12.14)."""

    def __init__(self, host: Host, plls: tuple[Atomic, Atomic], qmi: Peripheral) -> None:
        super().__init__(host, plls, ring_hz=ROSC_HZ, resets={self.SYS_CTRL: 0x41})
        self._qmi = qmi

    def flash_settings(self) -> FlashSettings:
        """A line is one read. The line behind it needs no address where it is asked for soon enough.

        From the last clock to the next select pass half a clock and MIN_DESELECT, from there to the first clock half
        a clock again. That a page ends the chain is left out.
        """
        timing, form = self._qmi.regs[M0_TIMING], self._qmi.regs[M0_RFMT]
        divider = timing & 0xFF or 256
        prefix, suffix, dummy = 8 * (form >> 12 & 1), 4 * (form >> 14 & 3), 4 * (form >> 16 & 7)
        prefix_clocks, address_clocks, suffix_clocks, dummy_clocks, data_clocks = (
            bits >> (form >> 2 * phase & 3) for phase, bits in enumerate((prefix, 24, suffix, dummy, XIP_LINE_BITS))
        )
        before = prefix_clocks + address_clocks + suffix_clocks + dummy_clocks
        return FlashSettings(
            divider * (1 + before + data_clocks) + (timing >> 12 & 31),
            ways=2,
            chained_states=divider * data_clocks,
            chained_cycles=64 * (timing >> 30),
        )


class Pads(Atomic):
    """0x40038000 (9.11.3): each pin is isolated after reset. `changed`: told of each write."""

    changed: Callable[[], None]

    def __init__(self, host: Host) -> None:
        super().__init__(host, {4 + 4 * pin: 0x116 for pin in range(PINS)})

    def store(self, offset: int, value: int) -> None:
        super().store(offset, value)
        self.changed()

    def isolated(self) -> int:
        """Pins whose ISO is set, as bits."""
        return sum(1 << pin for pin in range(PINS) if self.regs[4 + 4 * pin] & ISOLATED)

    def hears(self, pin: int) -> bool:
        """What is on the pin gets in."""
        return self.regs[4 + 4 * pin] & (INPUT | ISOLATED) == INPUT


def _uart(host: Host, number: int, irq: int, bank: Atomic, pads: Pads) -> Pl011:
    def wired() -> bool:
        return any(
            bank.regs.get(4 + 8 * pin, 0x1F) & 0x1F == UART_FUNCTION and pads.hears(pin) for pin in RECEIVERS[number]
        )

    return Pl011(host, clock="peri", irq=irq, wired=wired)


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as its boot ROM leaves it."""
    qmi = Atomic(host, BOOT_QMI, {0: lambda regs: regs.get(0, 0x0180_0000) & ~2 | 0x1_0800})  # idle, FIFOs empty
    plls = clocks.pll(host), clocks.pll(host)
    tree = Clocks(host, plls, qmi)
    bank, pads = Atomic(host), Pads(host)
    sio = Sio(host, pins, stride=8, isolated=pads.isolated)
    pads.changed = sio.settle
    uarts = _uart(host, 0, 33, bank, pads), _uart(host, 1, 34, bank, pads)
    at: dict[int, Peripheral] = {
        0x4000_0000: Peripheral(host, {0: 0x2000_4927}),  # SYSINFO CHIP_ID: A2
        0x4001_0000: tree,
        0x4002_0000: clocks.resets(host, 0x1FFF_FFFF),
        0x4002_8000: bank,
        0x4003_0000: Atomic(host),  # IO_QSPI
        0x4003_8000: pads,
        0x4004_0000: Atomic(host),  # PADS_QSPI
        0x4004_8000: clocks.crystal(host),
        0x4005_0000: plls[0],
        0x4005_8000: plls[1],
        0x4007_0000: uarts[0],
        0x4007_8000: uarts[1],
        0x400B_0000: Timer(host),
        0x400B_8000: Timer(host),
        0x400C_8000: Atomic(host, {0: 0x83, 8: 2}),  # XIP_CTRL: cache on
        0x400D_0000: qmi,
        0x400D_8000: Atomic(host),  # WATCHDOG
        0x400E_8000: Atomic(host, {0: 0xAA0}),  # ROSC
        0x4010_0000: Atomic(host),  # POWMAN
        0x4010_8000: Atomic(host),  # TICKS
        0xD000_0000: sio,
    }
    return Soc(
        cpuid=0x411F_D210,
        interrupts=52,
        priority_bits=4,
        devices=DEVICES,
        at=at,
        serial_ports=uarts,
        clocks=tree,
        cells={},
        block_bytes=BLOCK_BYTES,
    )
