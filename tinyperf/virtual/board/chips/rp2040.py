"""RP2040: sections, bases and IRQs of the RP2040 datasheet. One core; the boot ROM and boot2 are not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.chips import ClockTree, Soc
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins
from tinyperf.virtual.board.rp2.atomic import BLOCK_BYTES, Atomic
from tinyperf.virtual.board.rp2.pl011 import Pl011

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.chip import Chip

XOSC_HZ, ROSC_HZ = 12_000_000, 6_500_000
VECTORS = 0x1000_0100
"""Behind the 256 bytes of boot2."""
US = 1_000_000
"""Picoseconds."""
DEVICES = (
    (0x1400_0000, 0x4000),  # XIP_CTRL
    (0x1800_0000, 0x4000),  # XIP_SSI
    (0x4000_0000, 0x2000_0000),
    (0xD000_0000, 0x1000),  # SIO
    (0xE000_0000, 0x10_0000),
)


class Clocks(Atomic, ClockTree):
    """0x40008000 (2.15.7). Dividers behind the sources are taken as 1, which they are after reset."""

    REF_CTRL, REF_SELECTED, SYS_CTRL, SYS_SELECTED, PERI_CTRL = 0x30, 0x38, 0x3C, 0x44, 0x48

    def __init__(self, host: Host, plls: tuple[Atomic, Atomic], ssi: Peripheral) -> None:
        reads = {
            self.REF_SELECTED: lambda regs: 1 << (regs.get(self.REF_CTRL, 0) & 3),
            self.SYS_SELECTED: lambda regs: 1 << (regs.get(self.SYS_CTRL, 0) & 1),
        }
        super().__init__(host, {}, reads, clocks=True)
        self._plls, self._ssi = plls, ssi

    def hz(self, name: str) -> int:
        if name == "peri":
            return self._auxiliary(self.regs.get(self.PERI_CTRL, 0) >> 5 & 7, (self.hz("hclk"), *self._sources()))
        if name == "ref":
            return (ROSC_HZ, self._pll(1), XOSC_HZ, ROSC_HZ)[self.regs.get(self.REF_CTRL, 0) & 3]
        control = self.regs.get(self.SYS_CTRL, 0)
        return self._auxiliary(control >> 5 & 7, self._sources()) if control & 1 else self.hz("ref")

    def flash_settings(self) -> FlashSettings:
        """A line is one read, four bits at a time: 8 of address and mode, 4 clocks of waiting, 16 of data."""
        return FlashSettings((8 + 4 + 16) * max(self._ssi.regs.get(0x14, 0), 2), ways=2)

    def _sources(self) -> tuple[int, ...]:
        return self._pll(0), self._pll(1), ROSC_HZ, XOSC_HZ

    @staticmethod
    def _auxiliary(choice: int, sources: tuple[int, ...]) -> int:
        return sources[choice] if choice < len(sources) else XOSC_HZ

    def _pll(self, number: int) -> int:
        regs = self._plls[number].regs
        if regs[4] & 0x29:  # PWR: PD, POSTDIVPD, VCOPD
            return XOSC_HZ
        vco = XOSC_HZ // max(regs[0] & 63, 1) * regs.get(8, 0)
        return max(vco // max(regs[0xC] >> 16 & 7, 1) // max(regs[0xC] >> 12 & 7, 1), 1)


def _pll(host: Host) -> Atomic:
    """2.18.4: locked as soon as it is powered."""
    reads = {0: lambda regs: regs[0] | (0 if regs[4] & 0x21 else 1 << 31)}
    return Atomic(host, {0: 1, 4: 0x2D, 0xC: 0x7_7000}, reads, clocks=True)


def _stable(regs: Mapping[int, int]) -> int:
    """XOSC STATUS (2.16.7): enabled and stable."""
    return 0x8000_1000 if regs.get(0, 0) >> 12 & 0xFFF == 0xFAB else 0


class Timer(Atomic):
    """0x40054000 (4.6): microseconds, where the watchdog's tick is as long as that; alarms are storage."""

    TIMEHR, TIMELR, TIMERAWH, TIMERAWL = 0x08, 0x0C, 0x24, 0x28

    def load(self, offset: int) -> int:
        if offset not in {self.TIMELR, self.TIMERAWH, self.TIMERAWL}:
            return super().load(offset)
        self.host.time_was_read()
        now_us = self.host.now_ps() // US
        if offset == self.TIMELR:
            self.regs[self.TIMEHR] = now_us >> 32
        return now_us >> 32 if offset == self.TIMERAWH else now_us & 0xFFFF_FFFF


class Sio(Peripheral):
    """0xD0000000 (2.3.1.7): the pins; the rest is storage."""

    IN, OUT, ENABLED = 0x04, 0x10, 0x20

    def __init__(self, host: Host, pins: Pins) -> None:
        super().__init__(host)
        self.pins = pins

    def read(self, offset: int) -> int:
        return self._driven() if offset == self.IN else self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        before = self._driven()
        base = offset & ~0xC
        if base in {self.OUT, self.ENABLED}:
            old = self.regs.get(base, 0)
            self.regs[base] = (value, old | value, old & ~value, old ^ value)[offset >> 2 & 3] & 0x3FFF_FFFF
        else:
            self.regs[offset] = value
        changed = before ^ self._driven()
        for pin in range(30):
            if changed >> pin & 1:
                self.pins.edges.append((self.host.now_ps(), f"GP{pin}", self._driven() >> pin & 1))

    def _driven(self) -> int:
        return self.regs.get(self.OUT, 0) & self.regs.get(self.ENABLED, 0)


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as boot2 leaves it."""
    ssi = Peripheral(host, {0x00: 0x5F_0300, 0x08: 1, 0x14: 2, 0x28: 4, 0xF4: 0xA000_2022})
    plls = _pll(host), _pll(host)
    clocks = Clocks(host, plls, ssi)
    uarts = Pl011(host, clock="peri", irq=20), Pl011(host, clock="peri", irq=21)
    all_in_reset = 0x1FF_FFFF
    at: dict[int, Peripheral] = {
        0x1400_0000: Peripheral(host, {0: 3, 8: 2}),  # cache on; flushed
        0x1800_0000: ssi,
        0x4000_0000: Peripheral(host, {0: 0x1000_2927 | 2 << 28}),  # SYSINFO CHIP_ID: B2
        0x4000_8000: clocks,
        0x4000_C000: Atomic(host, {0: all_in_reset}, {8: lambda regs: ~regs[0] & all_in_reset}),
        0x4001_4000: Atomic(host),  # IO_BANK0
        0x4001_8000: Atomic(host),  # IO_QSPI
        0x4001_C000: Atomic(host),  # PADS_BANK0
        0x4002_0000: Atomic(host),  # PADS_QSPI
        0x4002_4000: Atomic(host, {}, {4: _stable}),
        0x4002_8000: plls[0],
        0x4002_C000: plls[1],
        0x4003_4000: uarts[0],
        0x4003_8000: uarts[1],
        0x4005_4000: Timer(host),
        0x4005_8000: Atomic(host, {0x2C: 0x200}),  # WATCHDOG
        0x4006_0000: Atomic(host),  # ROSC
        0x4006_4000: Atomic(host, {}, {0: lambda _: 0}),  # VREG
        0xD000_0000: Sio(host, pins),
    }
    return Soc(
        cpuid=0x410C_C601,
        interrupts=26,
        priority_bits=2,
        devices=DEVICES,
        at=at,
        serial_ports=uarts,
        clocks=clocks,
        cells={},
        block_bytes=BLOCK_BYTES,
        vectors=VECTORS,
    )
