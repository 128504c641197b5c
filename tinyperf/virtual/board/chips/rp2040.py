"""RP2040: sections, bases and IRQs of the RP2040 datasheet. One core; the boot ROM and boot2 are not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.chips import Soc
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins
from tinyperf.virtual.board.rp2 import clocks
from tinyperf.virtual.board.rp2.atomic import BLOCK_BYTES, Atomic
from tinyperf.virtual.board.rp2.pl011 import Pl011
from tinyperf.virtual.board.rp2.sio import Sio
from tinyperf.virtual.board.rp2.timer import Timer

if TYPE_CHECKING:
    from tinyperf.chip import Chip

ROSC_HZ = 6_500_000
VECTORS = 0x1000_0100
"""Behind the 256 bytes of boot2."""
DEVICES = (
    (0x1400_0000, 0x4000),  # XIP_CTRL
    (0x1800_0000, 0x4000),  # XIP_SSI
    (0x4000_0000, 0x2000_0000),
    (0xD000_0000, 0x1000),  # SIO
    (0xE000_0000, 0x10_0000),
)


class Clocks(clocks.Clocks):
    """0x40008000, and the SSI."""

    def __init__(self, host: Host, plls: tuple[Atomic, Atomic], ssi: Peripheral) -> None:
        super().__init__(host, plls, ring_hz=ROSC_HZ)
        self._ssi = ssi

    def flash_settings(self) -> FlashSettings:
        """A line is one read, four bits at a time: 8 of address and mode, 4 clocks of waiting, 16 of data."""
        return FlashSettings((8 + 4 + 16) * max(self._ssi.regs.get(0x14, 0), 2), ways=2)


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as boot2 leaves it."""
    ssi = Peripheral(host, {0x00: 0x5F_0300, 0x08: 1, 0x14: 2, 0x28: 4, 0xF4: 0xA000_2022})
    plls = clocks.pll(host), clocks.pll(host)
    tree = Clocks(host, plls, ssi)
    uarts = Pl011(host, clock="peri", irq=20), Pl011(host, clock="peri", irq=21)
    at: dict[int, Peripheral] = {
        0x1400_0000: Peripheral(host, {0: 3, 8: 2}),  # cache on; flushed
        0x1800_0000: ssi,
        0x4000_0000: Peripheral(host, {0: 0x1000_2927 | 2 << 28}),  # SYSINFO CHIP_ID: B2
        0x4000_8000: tree,
        0x4000_C000: clocks.resets(host, 0x1FF_FFFF),
        0x4001_4000: Atomic(host),  # IO_BANK0
        0x4001_8000: Atomic(host),  # IO_QSPI
        0x4001_C000: Atomic(host),  # PADS_BANK0
        0x4002_0000: Atomic(host),  # PADS_QSPI
        0x4002_4000: clocks.crystal(host),
        0x4002_8000: plls[0],
        0x4002_C000: plls[1],
        0x4003_4000: uarts[0],
        0x4003_8000: uarts[1],
        0x4005_4000: Timer(host),
        0x4005_8000: Atomic(host, {0x2C: 0x200}),  # WATCHDOG
        0x4006_0000: Atomic(host),  # ROSC
        0x4006_4000: Atomic(host, {}, {0: lambda _: 0}),  # VREG
        0xD000_0000: Sio(host, pins, stride=4),
    }
    return Soc(
        cpuid=0x410C_C601,
        interrupts=26,
        priority_bits=2,
        devices=DEVICES,
        at=at,
        serial_ports=uarts,
        clocks=tree,
        cells={},
        block_bytes=BLOCK_BYTES,
        vectors=VECTORS,
    )
