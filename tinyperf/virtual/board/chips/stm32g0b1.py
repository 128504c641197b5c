"""STM32G0B1/G0C1: RM0444 for registers, the CMSIS device header for bases and IRQs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tinyperf.virtual.board.chips import Soc
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins
from tinyperf.virtual.board.stm32 import family
from tinyperf.virtual.board.stm32.family import Computed, TimerRow, UartRow
from tinyperf.virtual.board.stm32.rcc import LSE_HZ, Branch, Field
from tinyperf.virtual.board.stm32.rcc import Rcc as FamilyRcc

if TYPE_CHECKING:
    from tinyperf.chip import Chip

HSE_HZ, LSI_HZ = 8_000_000, 32_000
CR, CFGR, PLLCFGR, CCIPR, BDCR, CSR = 0x00, 0x08, 0x0C, 0x54, 0x5C, 0x60
APB = Field(CFGR, 12)


class Rcc(FamilyRcc):
    """0x40021000."""

    READY: ClassVar = {CR: {8: 10, 16: 17, 22: 23, 24: 25}, BDCR: {0: 1}, CSR: {0: 1}}
    SWITCH, SWITCHED, AHB = Field(CFGR, 0), Field(CFGR, 3), Field(CFGR, 8, 4)
    CLOCK_REGISTERS = frozenset({CR, CFGR, PLLCFGR, CCIPR})
    BRANCHES: ClassVar = {
        "pclk": Branch(APB),
        "tim": Branch(APB, timer=True),
        "usart1": Branch(APB, Field(CCIPR, 0, 2)),
        "usart2": Branch(APB, Field(CCIPR, 2, 2)),
        "usart3": Branch(APB, Field(CCIPR, 4, 2)),
        "lpuart2": Branch(APB, Field(CCIPR, 8, 2)),
        "lpuart1": Branch(APB, Field(CCIPR, 10, 2)),
    }

    def source_hz(self, switch: int) -> int:
        hsi = self.HSI_HZ >> (self.regs[CR] >> 11 & 7)
        return self._pll() if switch == 2 else (hsi, HSE_HZ, 0, LSI_HZ, LSE_HZ)[min(switch, 4)]

    def flash_settings(self) -> FlashSettings:
        acr = self._flash.regs.get(0, 0)
        return FlashSettings(acr & 7, bool(acr >> 8 & 1), bool(acr >> 9 & 1), data_cache=False)  # PRFTEN, ICEN

    def _pll(self) -> int:
        cfg = self.regs[PLLCFGR]
        source = (0, 0, self.HSI_HZ, HSE_HZ)[cfg & 3]
        vco = source * (cfg >> 8 & 0x7F) // ((cfg >> 4 & 7) + 1)
        return vco // ((cfg >> 29 & 7) + 1)


# Interrupts are shared: USART2 with LPUART2, USART3 to 6 with LPUART1.
UARTS = (
    UartRow(0x4001_3800, "usart1", 27),
    UartRow(0x4000_4400, "usart2", 28),
    UartRow(0x4000_8400, "lpuart2", 28, low_power=True),
    UartRow(0x4000_4800, "usart3", 29),
    UartRow(0x4000_4C00, "pclk", 29),
    UartRow(0x4000_5000, "pclk", 29),
    UartRow(0x4001_3C00, "pclk", 29),
    UartRow(0x4000_8000, "lpuart1", 29, low_power=True),
)
TIMERS = (
    TimerRow(0x4000_0000, "tim", 15, bits=32),
    TimerRow(0x4000_0400, "tim", 16),
    TimerRow(0x4000_0800, "tim", 16),
    TimerRow(0x4000_1000, "tim", 17),
    TimerRow(0x4000_1400, "tim", 18),
    TimerRow(0x4000_2000, "tim", 19),
    TimerRow(0x4001_2C00, "tim", 13, irq_compare=14),
    TimerRow(0x4001_4000, "tim", 20),
    TimerRow(0x4001_4400, "tim", 21),
    TimerRow(0x4001_4800, "tim", 22),
)


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as it is after reset."""
    # Never busy; unlocking works, programming does not (the image is read-only).
    flash = Computed(host, {0x00: 0x4_0600, 0x14: 0xC000_0000, 0x20: 0xFFFF_FEAA}, {0x10: lambda _: 0})
    power = Computed(host, {0: 0x208, 8: 0x8000}, {0x14: lambda regs: 0x100 | (regs.get(0, 0) >> 14 & 1) << 9})
    rcc = Rcc(host, {CR: 0x500, 0x04: 0x4000, PLLCFGR: 0x1000}, flash)
    uarts = family.uarts(host, UARTS)
    at: dict[int, Peripheral] = {
        0x4002_1000: rcc,
        0x4000_7000: power,
        0x4002_2000: flash,
        0x4001_5800: Peripheral(host, {0: 0x1000_6467}),  # DBGMCU: device 0x467, revision A
        **uarts,
        **family.timers(host, TIMERS),
        **family.ports(host, pins, 0x5000_0000, "ABCDEF"),
    }
    return Soc(
        cpuid=0x410C_C601,
        interrupts=32,
        priority_bits=2,
        devices=family.DEVICES,
        at=at,
        serial_ports=tuple(uarts.values()),
        clocks=rcc,
        # A unique id as a real part has one (three words), the flash size in KiB, and the package.
        cells={0x1FFF_7590: 0x0030_0021, 0x1FFF_7594: 0x3132_5101, 0x1FFF_7598: 0x2032_3950, 0x1FFF_75E0: 0x0200},
    )
