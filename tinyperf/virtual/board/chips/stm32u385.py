"""STM32U385/U375 with TrustZone off: RM0487 for registers, the CMSIS device header for bases and IRQs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tinyperf.virtual.board.chips import Soc, stm32u575
from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins
from tinyperf.virtual.board.stm32 import family
from tinyperf.virtual.board.stm32.family import Computed, UartRow
from tinyperf.virtual.board.stm32.rcc import Branch, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.chip import Chip

HSE_HZ = 16_000_000
MSI_HZ = (96_000_000, 24_000_000)  # the two RC oscillators
CR, ICSCR1, CFGR1, CFGR2, CFGR3, CCIPR1, CCIPR3, BDCR, CSR = 0x00, 0x08, 0x1C, 0x20, 0x24, 0x100, 0x108, 0x110, 0x114
APB1, APB2, APB3 = Field(CFGR2, 4), Field(CFGR2, 8), Field(CFGR3, 4)


class Rcc(stm32u575.Rcc):
    """0x40030C00: like the STM32U575's, without a PLL for the core."""

    READY: ClassVar = {
        CR: {0: 2, 3: 4, 5: 9, 6: 10, 11: 13, 14: 15, 16: 17},
        BDCR: {0: 1, 7: 11},
        CSR: {0: 1},
    }
    BRANCHES: ClassVar = {
        "tim1": Branch(APB1, timer=True),
        "tim2": Branch(APB2, timer=True),
        "usart1": Branch(APB2, Field(CCIPR1, 0, 1)),
        "usart3": Branch(APB1, Field(CCIPR1, 2, 1)),
        "uart4": Branch(APB1, Field(CCIPR1, 4, 1)),
        "uart5": Branch(APB1, Field(CCIPR1, 6, 1)),
        "lpuart1": Branch(APB3, Field(CCIPR3, 0, 2)),
    }

    def source_hz(self, switch: int) -> int:
        icscr = self.regs[ICSCR1]
        # After reset, before MSIRGSEL is set: oscillator 1 divided by 2.
        msis = MSI_HZ[icscr >> 31] >> (icscr >> 29 & 3) if icscr & 1 << 23 else 12_000_000
        return (msis, self.HSI_HZ, HSE_HZ, msis)[switch]

    def kernel_hz(self, choice: int) -> int:
        return self.HSI_HZ if choice == 1 else super().kernel_hz(choice)


def _vosr(regs: Mapping[int, int]) -> int:
    """R1RDY and R2RDY, which follow R1EN and R2EN; BOOSTRDY follows BOOSTEN."""
    value = regs[0x0C] & 0x103
    return value | value << 16


# The STM32U575's, but for one UART and two timers that it lacks, and LPUART1's address.
UARTS = (
    *family.without(stm32u575.UARTS, 0x4000_4400, 0x4600_2400),
    UartRow(0x4004_2400, "lpuart1", 66, low_power=True),
)
TIMERS = family.without(stm32u575.TIMERS, 0x4000_0C00, 0x4001_3400)


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as it is after reset."""
    flash = Computed(host, {0x00: 0x1}, {0x20: lambda _: 0})  # never busy
    icache = Peripheral(host, {0: 0x4})  # two ways, off
    rcc = Rcc(host, {CR: 0x9, ICSCR1: 0}, flash, icache)
    # SVMSR: REGS follows CR3.REGSEL.
    power = Computed(host, {0x0C: 2}, {0x0C: _vosr, 0x3C: lambda regs: regs.get(0x08, 0) & 2})
    uarts = family.uarts(host, UARTS)
    at: dict[int, Peripheral] = {
        0x4003_0C00: rcc,
        0x4003_0800: power,
        0x4002_2000: flash,
        0x4003_0400: icache,
        0xE004_4000: Peripheral(host, {0: 0x1000_6454}),  # DBGMCU: device 0x454
        **uarts,
        **family.timers(host, TIMERS),
        **family.ports(host, pins, 0x4202_0000, "ABCDEFGH"),
    }
    return Soc(
        cpuid=0x410F_D214,
        interrupts=125,
        priority_bits=4,
        devices=family.DEVICES,
        at=at,
        serial_ports=tuple(uarts.values()),
        clocks=rcc,
        cells={0x0BFA_0700: 0x0030_0021, 0x0BFA_0704: 0x3132_5101, 0x0BFA_0708: 0x2032_3950, 0x0BFA_07A0: 0x0400},
    )
