"""PSoC 6 CY8C624A, its Cortex-M4 alone. Registers: Infineon's mtb-pdl-cat1 (cyip_*_v2.h, psoc6_02_config.h).

The Cortex-M0+, which starts first on silicon, is not run; what the Cortex-M4 asks of it reads as if it had done its
work and sleeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.chips import ClockTree, Soc
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins
from tinyperf.virtual.board.psoc6.scb import Scb
from tinyperf.virtual.board.psoc6.tcpwm import Tcpwm
from tinyperf.virtual.board.stm32.family import Computed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.chip import Chip

IMO_HZ = 8_000_000
VECTORS = 0x1000_2000
"""Behind the image of the Cortex-M0+."""
SEMAPHORES = 0x0800_1F00
"""Where the Cortex-M0+ leaves its table of semaphores."""
SCB_IRQS = (39, 40, 41, 42, 43, 44, 45, 46, 18, 47, 48, 49, 50)
DEVICES = ((0x4000_0000, 0x2000_0000), (0xE000_0000, 0x10_0000))
ENABLED = 1 << 31
"""Top bit of many control registers: on."""


class Clocking(Peripheral):
    """A block whose registers from `first` on set clocks."""

    def __init__(self, host: Host, resets: dict[int, int], first: int, end: int) -> None:
        super().__init__(host, resets)
        self._first, self._end = first, end

    def write(self, offset: int, value: int) -> None:
        if self._first <= offset < self._end:
            self.host.clocks_changed()
        super().write(offset, value)


class Peri(Clocking):
    """0x40000000: dividers of the peripherals' clocks. A division commanded by DIV_CMD is done at once."""

    CLOCK_CTL, DIVIDERS = 0xC00, 0x1000

    def __init__(self, host: Host) -> None:
        super().__init__(host, {}, 0x400, 0x2000)

    def read(self, offset: int) -> int:
        return super().read(offset) & 0x3FFF_FFFF if offset == 0x400 else super().read(offset)

    def divided(self, hz: int, clock: int) -> int:
        """The clock of that number, from `hz`."""
        control = self.regs.get(self.CLOCK_CTL + 4 * clock, 0)
        number, kind = control & 0xFF, control >> 8 & 3  # 8 bits, 16, 16.5, 24.5
        divider = self.regs.get(self.DIVIDERS + 0x400 * kind + 4 * number, 0)
        whole = (divider >> 8 & (0xFF, 0xFFFF, 0xFFFF, 0xFF_FFFF)[kind]) + 1
        return max(32 * hz // (32 * whole + (divider >> 3 & 31 if kind > 1 else 0)), 1)


class Srss(Clocking, ClockTree):
    """0x40260000: oscillators, FLL, PLL and the roots. Locked and ready as soon as they are enabled."""

    PATHS, ROOTS, FLL, PLL, PLL_STATUS, FLL_STATUS = 0x340, 0x380, 0x580, 0x600, 0x640, 0x590

    def __init__(self, host: Host, peri: Peri, cpuss: Peripheral, flashc: Peripheral) -> None:
        super().__init__(host, {0x380: ENABLED, 0x510: ENABLED, 0x580: 0x0100_0000}, 0x300, 0x680)
        self._peri, self._cpuss, self._flashc = peri, cpuss, flashc

    def read(self, offset: int) -> int:
        value = super().read(offset)
        if offset == 0x000:
            return value | 0x20  # PWR_CTL: LPM_READY
        if offset == 0x51C:
            return value | 1 << 31  # CLK_CAL_CNT1: done
        if offset == 0x530:
            return 3 if self.regs.get(0x52C, 0) >> 31 else 0  # CLK_ECO_STATUS
        if offset == self.FLL_STATUS:
            return self.regs[self.FLL] >> 31 | self.regs.get(0x58C, 0) >> 31 << 2
        if self.PLL_STATUS <= offset < self.PLL_STATUS + 0x3C:
            return self.regs.get(offset - 0x40, 0) >> 31
        return value

    def hz(self, name: str) -> int:
        root = self.regs[self.ROOTS]
        high = self._path(root & 15) >> (root >> 4 & 3)
        if name == "hclk":
            return max(high // ((self._cpuss.regs.get(0x8, 0) >> 8 & 0xFF) + 1), 1)
        return self._peri.divided(high // ((self._cpuss.regs.get(0x1008, 0) >> 24) + 1), int(name))

    def flash_settings(self) -> FlashSettings:
        return FlashSettings(self._flashc.regs.get(0, 0) & 15, ways=4)

    def _path(self, number: int) -> int:
        if number == 0:
            one, two, three = (self.regs.get(self.FLL + 4 * n, 0) for n in range(3))
            if one >> 31 and three >> 28 & 3 != 2 and two & 0x1FFF:
                return IMO_HZ * (one & 0x3_FFFF) // (two & 0x1FFF) // (2 if one >> 24 & 1 else 1)
        elif number <= 2:
            config = self.regs.get(self.PLL + 4 * (number - 1), 0)
            if config >> 31 and config >> 28 & 3 != 2:
                return IMO_HZ * (config & 0x7F) // max(config >> 8 & 31, 1) // max(config >> 16 & 31, 1)
        return IMO_HZ


class Ipc(Peripheral):
    """0x40220000: structures that lock when ACQUIRE is read and unlock on RELEASE; nobody answers."""

    def read(self, offset: int) -> int:
        if offset < 0x1000 and offset & 0x1F == 0:
            free = not self.regs.get(offset + 0x1C, 0) >> 31
            self.regs[offset + 0x1C] = 1 << 31
            return free << 31
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        if offset < 0x1000 and offset & 0x1F == 4:
            self.regs[(offset & ~0x1F) | 0x1C] = 0
        else:
            super().write(offset, value)


class Ports(Peripheral):
    """0x40310000: all GPIO ports, 0x80 apart: OUT, and OUT_CLR, OUT_SET, OUT_INV."""

    def __init__(self, host: Host, pins: Pins) -> None:
        super().__init__(host)
        self.pins = pins

    def read(self, offset: int) -> int:
        out = offset < 0x4000 and offset & 0x7F in {4, 8, 12, 16}
        return self.regs.get(offset & ~0x7F, 0) if out else super().read(offset)

    def write(self, offset: int, value: int) -> None:
        port, register = offset & ~0x7F, offset & 0x7F
        if offset >= 0x4000 or register > 12:
            super().write(offset, value)
            return
        old = self.regs.get(port, 0)
        new = self.regs[port] = (value, old & ~value, old | value, old ^ value)[register // 4] & 0xFF
        for pin in range(8):
            if (old ^ new) >> pin & 1:
                self.pins.edges.append((self.host.now_ps(), f"P{port // 0x80}_{pin}", new >> pin & 1))


def _backup(regs: Mapping[int, int]) -> int:
    """STATUS: WCO_OK follows CTL.WCO_EN."""
    return 4 if regs.get(0, 0) >> 3 & 1 else 0


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as the Cortex-M0+ leaves it."""
    peri, flashc = Peri(host), Computed(host, {0x400: 3 << 30, 0x480: 3 << 30}, {8: lambda _: 0})
    # CM0_CTL and CM0_STATUS: enabled; in deep sleep.
    cpuss = Computed(host, {}, {0x4: lambda _: 0x10, 0x1004: lambda _: 3})
    srss = Srss(host, peri, cpuss, flashc)
    ports = [Scb(host, clock=str(number), irq=irq) for number, irq in enumerate(SCB_IRQS)]
    at: dict[int, Peripheral] = {
        0x4000_0000: peri,
        0x4020_0000: cpuss,
        0x4022_0000: Ipc(host, {3 * 0x20 + 0xC: SEMAPHORES}),
        0x4024_0000: flashc,
        0x4026_0000: srss,
        0x4027_0000: Computed(host, {}, {0x10: _backup, 0x48: lambda _: 0}),  # RESET clears itself
        0x4031_0000: Ports(host, pins),
        0x4038_0000: Tcpwm(host, first_clock=15, first_irq=123, count=8, bits=32),
        0x4039_0000: Tcpwm(host, first_clock=23, first_irq=131, count=24, bits=16),
        **{0x4060_0000 + 0x1_0000 * number: port for number, port in enumerate(ports)},
    }
    return Soc(
        cpuid=0x410F_C241,
        interrupts=168,
        priority_bits=3,
        devices=DEVICES,
        at=at,
        serial_ports=tuple(ports),
        clocks=srss,
        cells={SEMAPHORES: 128, SEMAPHORES + 4: SEMAPHORES + 16, 0x1600_0000: 0xE453_0000},
        block_bytes=0x1_0000,
        vectors=VECTORS,
    )
