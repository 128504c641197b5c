"""STM32F746: RM0385 for registers, the CMSIS device header for bases and IRQs."""

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

INPUTS = {"A": 0xA800_0000, "B": 0x280}
"""MODER of the ports that have the debug port's pins; all others are inputs."""
HSE_HZ = 25_000_000
"""The crystal of the discovery board."""
CR, PLLCFGR, CFGR, BDCR, CSR, DCKCFGR1, DCKCFGR2 = 0x00, 0x04, 0x08, 0x70, 0x74, 0x8C, 0x90
APB1, APB2 = Field(CFGR, 10), Field(CFGR, 13)


class Rcc(FamilyRcc):
    """0x40023800."""

    READY: ClassVar = {CR: {0: 1, 16: 17, 24: 25, 26: 27, 28: 29}, BDCR: {0: 1}, CSR: {0: 1}}
    SWITCH, SWITCHED, AHB = Field(CFGR, 0, 2), Field(CFGR, 2, 2), Field(CFGR, 4, 4)
    TIMPRE = Field(DCKCFGR1, 24, 1)
    CLOCK_REGISTERS = frozenset({CR, CFGR, PLLCFGR, DCKCFGR1, DCKCFGR2})
    BRANCHES: ClassVar = {
        "tim1": Branch(APB1, timer=True),
        "tim2": Branch(APB2, timer=True),
        "usart1": Branch(APB2, Field(DCKCFGR2, 0, 2)),
        "usart2": Branch(APB1, Field(DCKCFGR2, 2, 2)),
        "usart3": Branch(APB1, Field(DCKCFGR2, 4, 2)),
        "uart4": Branch(APB1, Field(DCKCFGR2, 6, 2)),
        "uart5": Branch(APB1, Field(DCKCFGR2, 8, 2)),
        "usart6": Branch(APB2, Field(DCKCFGR2, 10, 2)),
        "uart7": Branch(APB1, Field(DCKCFGR2, 12, 2)),
        "uart8": Branch(APB1, Field(DCKCFGR2, 14, 2)),
    }

    def source_hz(self, switch: int) -> int:
        return self._pll() if switch >= 2 else (self.HSI_HZ, HSE_HZ)[switch]

    def _pll(self) -> int:
        cfg = self.regs[PLLCFGR]
        source = HSE_HZ if cfg >> 22 & 1 else self.HSI_HZ
        return source * (cfg >> 6 & 0x1FF) // max(cfg & 63, 1) // (2 * (cfg >> 16 & 3) + 2)

    def flash_settings(self) -> FlashSettings:
        acr = self._flash.regs.get(0, 0)  # LATENCY, PRFTEN, ARTEN; the core's own caches are no matter of the flash
        return FlashSettings(acr & 15, bool(acr >> 8 & 1), bool(acr >> 9 & 1), data_cache=False)


def _csr1(regs: Mapping[int, int]) -> int:
    """VOSRDY; ODRDY and ODSWRDY follow CR1's ODEN and ODSWEN."""
    return 0x4000 | regs.get(0x00, 0) & 0x3_0000


UARTS = (
    UartRow(0x4001_1000, "usart1", 37),
    UartRow(0x4000_4400, "usart2", 38),
    UartRow(0x4000_4800, "usart3", 39),
    UartRow(0x4000_4C00, "uart4", 52),
    UartRow(0x4000_5000, "uart5", 53),
    UartRow(0x4001_1400, "usart6", 71),
    UartRow(0x4000_7800, "uart7", 82),
    UartRow(0x4000_7C00, "uart8", 83),
)
TIMERS = (
    TimerRow(0x4000_0000, "tim1", 28, bits=32),
    TimerRow(0x4000_0400, "tim1", 29),
    TimerRow(0x4000_0800, "tim1", 30),
    TimerRow(0x4000_0C00, "tim1", 50, bits=32),
    TimerRow(0x4000_1000, "tim1", 54),
    TimerRow(0x4000_1400, "tim1", 55),
    TimerRow(0x4001_0000, "tim2", 25, irq_compare=27),
    TimerRow(0x4001_0400, "tim2", 44, irq_compare=46),
)


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as it is after reset."""
    flash = Computed(host, {0x10: 0x8000_0000, 0x14: 0xC0FF_AAFD, 0x18: 0x0040_0080}, {0x0C: lambda _: 0})
    rcc = Rcc(host, {CR: 0x83, PLLCFGR: 0x2400_3010, 0x30: 0x0010_0000, CSR: 0x0E00_0000}, flash)
    uarts = family.uarts(host, UARTS)
    at: dict[int, Peripheral] = {
        0x4002_3800: rcc,
        0x4000_7000: Computed(host, {0: 0xC000}, {4: _csr1}),  # PWR
        0x4002_3C00: flash,
        0xE004_2000: Peripheral(host, {0: 0x1001_6449}),  # DBGMCU: device 0x449, revision Z
        **uarts,
        **family.timers(host, TIMERS),
        **family.ports(host, pins, 0x4002_0000, "ABCDEFGHIJK", INPUTS, others=0),
    }
    return Soc(
        cpuid=0x410F_C271,
        interrupts=98,
        priority_bits=4,
        devices=family.DEVICES,
        at=at,
        serial_ports=tuple(uarts.values()),
        clocks=rcc,
        cells={0x1FF0_F420: 0x0030_0021, 0x1FF0_F424: 0x3132_5101, 0x1FF0_F428: 0x2032_3950, 0x1FF0_F440: 0x0400_0000},
    )
