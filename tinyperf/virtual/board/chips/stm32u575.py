"""STM32U575/U585 with TrustZone off: RM0456 for registers, the CMSIS device header for bases and IRQs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tinyperf.virtual.board.chips import Soc
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins
from tinyperf.virtual.board.stm32 import family
from tinyperf.virtual.board.stm32.family import Computed, TimerRow, UartRow
from tinyperf.virtual.board.stm32.rcc import Branch, Field
from tinyperf.virtual.board.stm32.rcc import Rcc as FamilyRcc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.chip import Chip

HSE_HZ = 16_000_000
# By MSISRANGE: 48 MHz divided by 1 to 4, then 4 MHz, 3.072 MHz and 400 kHz likewise.
MSI_HZ = tuple(base // n for base in (48_000_000, 4_000_000, 3_072_000, 400_000) for n in (1, 2, 3, 4))
CR, ICSCR1, CFGR1, CFGR2, CFGR3, PLL1CFGR, PLL1DIVR, PLL1FRACR = 0x00, 0x08, 0x1C, 0x20, 0x24, 0x28, 0x34, 0x38
CCIPR1, CCIPR3, BDCR = 0xE0, 0xE8, 0xF0
APB1, APB2, APB3 = Field(CFGR2, 4), Field(CFGR2, 8), Field(CFGR3, 4)


class Rcc(FamilyRcc):
    """0x46020C00."""

    READY: ClassVar = {
        CR: {0: 2, 4: 5, 8: 10, 12: 13, 14: 15, 16: 17, 24: 25, 26: 27, 28: 29},
        BDCR: {0: 1, 7: 11, 26: 27},
    }
    SWITCH, SWITCHED, AHB = Field(CFGR1, 0, 2), Field(CFGR1, 2, 2), Field(CFGR2, 0, 4)
    BRANCHES: ClassVar = {
        "tim1": Branch(APB1, timer=True),
        "tim2": Branch(APB2, timer=True),
        "usart1": Branch(APB2, Field(CCIPR1, 0, 2)),
        "usart2": Branch(APB1, Field(CCIPR1, 2, 2)),
        "usart3": Branch(APB1, Field(CCIPR1, 4, 2)),
        "uart4": Branch(APB1, Field(CCIPR1, 6, 2)),
        "uart5": Branch(APB1, Field(CCIPR1, 8, 2)),
        "lpuart1": Branch(APB3, Field(CCIPR3, 0, 2)),
    }

    def __init__(self, host: Host, resets: dict[int, int], flash: Peripheral, icache: Peripheral) -> None:
        super().__init__(host, resets, flash)
        self._icache = icache

    def flash_settings(self) -> FlashSettings:
        acr, cr = self._flash.regs.get(0, 0), self._icache.regs[0]  # CR: EN, WAYSEL
        return FlashSettings(acr & 15, bool(acr >> 8 & 1), bool(cr & 1), bool(cr & 1), 2 if cr & 4 else 1)

    def source_hz(self, switch: int) -> int:
        return self._pll() if switch == 3 else (self._msi(), self.HSI_HZ, HSE_HZ)[switch]

    def _msi(self) -> int:
        icscr = self.regs[ICSCR1]
        # After reset, before MSIRGSEL is set, the range is 4, 4 MHz.
        return MSI_HZ[icscr >> 28 & 15] if icscr & 1 << 23 else MSI_HZ[4]

    def _pll(self) -> int:
        cfg, div = self.regs.get(PLL1CFGR, 0), self.regs[PLL1DIVR]
        source = (0, self._msi(), self.HSI_HZ, HSE_HZ)[cfg & 3]
        fraction = self.regs.get(PLL1FRACR, 0) >> 3 & 0x1FFF if cfg & 16 else 0
        n = (div & 0x1FF) + 1
        vco = source * (8192 * n + fraction) // (8192 * ((cfg >> 8 & 15) + 1))
        return vco // ((div >> 24 & 0x7F) + 1)


def _vosr(regs: Mapping[int, int]) -> int:
    """VOSRDY; BOOSTRDY follows BOOSTEN."""
    value = regs.get(0x0C, 0)
    return value & ~0xC000 | 0x8000 | (value >> 18 & 1) << 14


def _svmsr(regs: Mapping[int, int]) -> int:
    """REGS follows CR3.REGSEL; ACTVOS and its ready bit mirror VOSR."""
    return (regs.get(0x08, 0) & 2) | 0x8000 | regs.get(0x0C, 0) & 0x3_0000


UARTS = (
    UartRow(0x4001_3800, "usart1", 61),
    UartRow(0x4000_4400, "usart2", 62),
    UartRow(0x4000_4800, "usart3", 63),
    UartRow(0x4000_4C00, "uart4", 64),
    UartRow(0x4000_5000, "uart5", 65),
    UartRow(0x4600_2400, "lpuart1", 66, low_power=True),
)
TIMERS = (
    TimerRow(0x4000_0000, "tim1", 45, bits=32),
    TimerRow(0x4000_0400, "tim1", 46, bits=32),
    TimerRow(0x4000_0800, "tim1", 47, bits=32),
    TimerRow(0x4000_0C00, "tim1", 48, bits=32),
    TimerRow(0x4000_1000, "tim1", 49),
    TimerRow(0x4000_1400, "tim1", 50),
    TimerRow(0x4001_2C00, "tim2", 42, irq_compare=44),
    TimerRow(0x4001_3400, "tim2", 52, irq_compare=54),
    TimerRow(0x4001_4000, "tim2", 69),
    TimerRow(0x4001_4400, "tim2", 70),
    TimerRow(0x4001_4800, "tim2", 71),
)


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as it is after reset."""
    flash = Computed(host, {0x00: 0x1}, {0x20: lambda _: 0})  # never busy
    icache = Peripheral(host, {0: 0x4})  # two ways, off
    rcc = Rcc(host, {CR: 0x35, ICSCR1: 0x4440_0000, PLL1DIVR: 0x0101_0280}, flash, icache)
    uarts = family.uarts(host, UARTS)
    at: dict[int, Peripheral] = {
        0x4602_0C00: rcc,
        0x4602_0800: Computed(host, {}, {0x0C: _vosr, 0x3C: _svmsr}),  # PWR
        0x4002_2000: flash,
        0x4003_0400: icache,
        0x4204_0000: Computed(host, {}, {0x10: lambda _: 0x8000_0000}),  # USB core: its reset is over, its bus idle
        0xE004_4000: Peripheral(host, {0: 0x3000_6482}),  # DBGMCU: device 0x482, revision X
        **uarts,
        **family.timers(host, TIMERS),
        **family.ports(host, pins, 0x4202_0000, "ABCDEFGHI"),
    }
    return Soc(
        cpuid=0x410F_D214,
        interrupts=141,
        priority_bits=4,
        devices=family.DEVICES,
        at=at,
        serial_ports=tuple(uarts.values()),
        clocks=rcc,
        cells={0x0BFA_0700: 0x0030_0021, 0x0BFA_0704: 0x3132_5101, 0x0BFA_0708: 0x2032_3950, 0x0BFA_07A0: 0x0800},
    )
