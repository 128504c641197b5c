"""STM32H7A3/H7B3 with the SMPS: RM0455 for registers, the CMSIS device header for bases and IRQs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tinyperf.virtual.board.chips import Soc, stm32f746
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins
from tinyperf.virtual.board.stm32 import family
from tinyperf.virtual.board.stm32.family import Computed, TimerRow
from tinyperf.virtual.board.stm32.rcc import LSE_HZ, Branch, Field
from tinyperf.virtual.board.stm32.rcc import Rcc as FamilyRcc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.chip import Chip

HSE_HZ, CSI_HZ = 8_000_000, 4_000_000
"""The first from the Nucleo's ST-LINK."""
CR, CFGR, CDCFGR1, CDCFGR2, PLLCKSELR, PLLCFGR, PLL1DIVR = 0x00, 0x10, 0x18, 0x1C, 0x28, 0x2C, 0x30
CDCCIP2R, BDCR, CSR = 0x54, 0x70, 0x74
APB1, APB2 = Field(CDCFGR2, 4), Field(CDCFGR2, 8)
USART16, USART234578 = Field(CDCCIP2R, 3), Field(CDCCIP2R, 0)


class Rcc(FamilyRcc):
    """0x58024400."""

    READY: ClassVar = {
        CR: {0: 2, 7: 8, 12: 13, 16: 17, 24: 25, 26: 27, 28: 29},
        BDCR: {0: 1},
        CSR: {0: 1},
    }
    SWITCH, SWITCHED, AHB = Field(CFGR, 0), Field(CFGR, 3), Field(CDCFGR1, 8, 4)
    BUS = Field(CDCFGR1, 0, 4)
    TIMPRE = Field(CFGR, 15, 1)
    HSI_HZ = 64_000_000
    BRANCHES: ClassVar = {
        "tim1": Branch(APB1, timer=True),
        "tim2": Branch(APB2, timer=True),
        **dict.fromkeys(("usart1", "usart6"), Branch(APB2, USART16)),
        **dict.fromkeys(("usart2", "usart3", "uart4", "uart5", "uart7", "uart8"), Branch(APB1, USART234578)),
    }

    def read(self, offset: int) -> int:
        return super().read(offset) | (0xC020 if offset == CR else 0)  # CPUCKRDY, CDCKRDY, HSIDIVF

    def source_hz(self, switch: int) -> int:
        return self._pll(0, 9) if switch == 3 else (self._hsi(), CSI_HZ, HSE_HZ)[min(switch, 2)]

    def bus_hz(self) -> int:
        return self._divided(self.core_hz(), self.BUS)

    def kernel_hz(self, choice: int) -> int:
        return (0, self._pll(1, 16), self._pll(2, 16), self._hsi(), CSI_HZ, LSE_HZ, 0, 0)[choice]

    def _hsi(self) -> int:
        return self.HSI_HZ >> (self.regs[CR] >> 3 & 3)

    def _pll(self, number: int, output: int) -> int:
        """PLL 1 to 3 by `number` 0 to 2; `output`: the bit of PLLxDIVR at which the divider of its P or Q begins."""
        select, divider = self.regs[PLLCKSELR], self.regs[PLL1DIVR + 8 * number]
        source = (self._hsi(), CSI_HZ, HSE_HZ, 0)[select & 3]
        fraction = self.regs.get(PLL1DIVR + 4 + 8 * number, 0) >> 3 & 0x1FFF
        if not self.regs[PLLCFGR] >> 4 * number & 1:
            fraction = 0
        vco = source * (8192 * ((divider & 0x1FF) + 1) + fraction) // (8192 * max(select >> (4 + 8 * number) & 63, 1))
        return vco // ((divider >> output & 0x7F) + 1)

    def flash_settings(self) -> FlashSettings:
        divider = self.core_hz() // max(self.bus_hz(), 1)
        return FlashSettings(self._flash.regs.get(0, 0) & 15, bus_divider=divider)


def _csr1(regs: Mapping[int, int]) -> int:
    """ACTVOS follows SRDCR.VOS; ACTVOSRDY."""
    return 0x2000 | regs.get(0x18, 0) & 0xC000


def _cr3(regs: Mapping[int, int]) -> int:
    """SMPSEXTRDY; USB33RDY follows USB33DEN."""
    value = regs.get(0x0C, 0)
    return value & ~(1 << 26) | 1 << 16 | (value >> 25 & 1) << 26


UARTS = stm32f746.UARTS
TIMERS = (
    *stm32f746.TIMERS,
    TimerRow(0x4001_4000, "tim2", 116),
    TimerRow(0x4001_4400, "tim2", 117),
    TimerRow(0x4001_4800, "tim2", 118),
)


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as it is after reset."""
    # Two banks, each with a control and a status register; neither ever busy.
    flash = Computed(
        host,
        {0: 0x13, 0x0C: 0x31, 0x10C: 0x31, 0x1C: 0x1406_AAF0, 0x20: 0x1406_AAF0},
        {0x10: lambda _: 0, 0x110: lambda _: 0},
    )
    power = Computed(
        host,
        {0: 0xF000_C000, 0x0C: 0x46},
        {0x04: _csr1, 0x0C: _cr3, 0x18: lambda regs: regs.get(0x18, 0) | 0x2000},  # SRDCR: VOSRDY
    )
    resets = {CR: 0x1, PLLCKSELR: 0x0202_0200, PLLCFGR: 0x01FF_0000}
    resets |= dict.fromkeys((PLL1DIVR, PLL1DIVR + 8, PLL1DIVR + 16), 0x0101_0280)
    rcc = Rcc(host, resets, flash)
    uarts = family.uarts(host, UARTS)
    at: dict[int, Peripheral] = {
        0x5802_4400: rcc,
        0x5802_4800: power,
        0x5200_2000: flash,
        0x5C00_1000: Peripheral(host, {0: 0x1001_6480}),  # DBGMCU: device 0x480, revision Z
        **uarts,
        **family.timers(host, TIMERS),
        **family.ports(host, pins, 0x5802_0000, "ABCDEFGHIJK"),
    }
    return Soc(
        cpuid=0x411F_C271,
        interrupts=155,
        priority_bits=4,
        devices=family.DEVICES,
        at=at,
        serial_ports=tuple(uarts.values()),
        clocks=rcc,
        cells={0x08FF_F800: 0x0030_0021, 0x08FF_F804: 0x3132_5101, 0x08FF_F808: 0x2032_3950, 0x08FF_F80C: 0x0000_0800},
    )
