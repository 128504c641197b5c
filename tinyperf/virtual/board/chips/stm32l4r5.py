"""STM32L4R5/L4S5 (and near enough L4R7/L4R9): RM0432 for registers, the CMSIS device header for bases and IRQs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tinyperf.virtual.board.chips import Soc
from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins
from tinyperf.virtual.board.stm32 import family
from tinyperf.virtual.board.stm32.dma import Dma, Dmamux, wire_dma
from tinyperf.virtual.board.stm32.family import Computed, TimerRow, UartRow
from tinyperf.virtual.board.stm32.rcc import Branch, Field
from tinyperf.virtual.board.stm32.rcc import Rcc as FamilyRcc
from tinyperf.virtual.board.stm32.sai import Sai

if TYPE_CHECKING:
    from tinyperf.chip import Chip

HSE_HZ = 8_000_000
MSI_HZ = (  # by MSIRANGE
    *(100_000, 200_000, 400_000, 800_000, 1_000_000, 2_000_000),
    *(4_000_000, 8_000_000, 16_000_000, 24_000_000, 32_000_000, 48_000_000),
)
CR, CFGR, PLLCFGR, CCIPR, BDCR, CSR, CRRCR = 0x00, 0x08, 0x0C, 0x88, 0x90, 0x94, 0x98
APB1, APB2 = Field(CFGR, 8), Field(CFGR, 11)


class Rcc(FamilyRcc):
    """0x40021000."""

    READY: ClassVar = {
        CR: {0: 1, 8: 10, 16: 17, 24: 25, 26: 27, 28: 29},
        BDCR: {0: 1},
        CSR: {0: 1},
        CRRCR: {0: 1},
    }
    SWITCH, SWITCHED, AHB = Field(CFGR, 0, 2), Field(CFGR, 2, 2), Field(CFGR, 4, 4)
    CLOCK_REGISTERS = frozenset({CR, CFGR, PLLCFGR, CCIPR, CSR})
    BRANCHES: ClassVar = {
        "pclk1": Branch(APB1),
        "pclk2": Branch(APB2),
        "tim1": Branch(APB1, timer=True),
        "tim2": Branch(APB2, timer=True),
        "usart1": Branch(APB2, Field(CCIPR, 0, 2)),
        "usart2": Branch(APB1, Field(CCIPR, 2, 2)),
        "usart3": Branch(APB1, Field(CCIPR, 4, 2)),
        "uart4": Branch(APB1, Field(CCIPR, 6, 2)),
        "uart5": Branch(APB1, Field(CCIPR, 8, 2)),
        "lpuart1": Branch(APB1, Field(CCIPR, 10, 2)),
    }

    def source_hz(self, switch: int) -> int:
        return self._pll() if switch == 3 else (self._msi(), self.HSI_HZ, HSE_HZ)[switch]

    def _msi(self) -> int:
        cr = self.regs[CR]
        # After reset, before MSIRGSEL is set, the range is that of CSR.MSISRANGE, 4 MHz.
        index = cr >> 4 & 15 if cr & 8 else self.regs[CSR] >> 8 & 15
        return MSI_HZ[min(index, 11)]

    def _pll(self) -> int:
        cfg = self.regs[PLLCFGR]
        source = (0, self._msi(), self.HSI_HZ, HSE_HZ)[cfg & 3]
        vco = source * (cfg >> 8 & 0x7F) // ((cfg >> 4 & 15) + 1)
        return vco // (2 * (cfg >> 25 & 3) + 2)


UARTS = (
    UartRow(0x4001_3800, "usart1", 37, rx_request=24, tx_request=25),
    UartRow(0x4000_4400, "usart2", 38, rx_request=26, tx_request=27),
    UartRow(0x4000_4800, "usart3", 39, rx_request=28, tx_request=29),
    UartRow(0x4000_4C00, "uart4", 52, rx_request=30, tx_request=31),
    UartRow(0x4000_5000, "uart5", 53, rx_request=32, tx_request=33),
    UartRow(0x4000_8000, "lpuart1", 70, low_power=True, rx_request=34, tx_request=35),
)
TIMERS = (
    TimerRow(0x4000_0000, "tim1", 28, bits=32),
    TimerRow(0x4000_0400, "tim1", 29),
    TimerRow(0x4000_0800, "tim1", 30),
    TimerRow(0x4000_0C00, "tim1", 50, bits=32),
    TimerRow(0x4000_1000, "tim1", 54),
    TimerRow(0x4000_1400, "tim1", 55),
    TimerRow(0x4001_2C00, "tim2", 25, irq_compare=27),
    TimerRow(0x4001_3400, "tim2", 44, irq_compare=46),
    TimerRow(0x4001_4000, "tim2", 24),
    TimerRow(0x4001_4400, "tim2", 25),
    TimerRow(0x4001_4800, "tim2", 26),
)


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as it is after reset."""
    # Never busy; unlocking works, programming does not (the image is read-only).
    flash = Computed(host, {0x00: 0x600, 0x14: 0xC000_0000, 0x20: 0xFFEF_F8AA}, {0x10: lambda _: 0})
    # SR2: REGLPS ready; REGLPF follows CR1.LPR; VOSF never busy.
    power = Computed(
        host, {0: 0x200, 8: 0x8000, 0x80: 0x100}, {0x14: lambda regs: 0x100 | (regs.get(0, 0) >> 14 & 1) << 9}
    )
    rcc, mux = Rcc(host, {CR: 0x63, PLLCFGR: 0x1000, CSR: 0x0C00_0600, 0x48: 0x100}, flash), Dmamux(host)
    uarts = family.uarts(host, UARTS)
    dmas = (
        Dma(host, irqs=(11, 12, 13, 14, 15, 16, 17), request_of=lambda channel: mux.request(0, channel)),
        Dma(host, irqs=(56, 57, 58, 59, 60, 68, 69), request_of=lambda channel: mux.request(1, channel)),
    )
    wire_dma(dmas, {uarts[row.base]: (row.rx_request, row.tx_request) for row in UARTS})
    sai = Sai(host, dmas, request=36)
    at: dict[int, Peripheral] = {
        0x4002_1000: rcc,
        0x4000_7000: power,
        0x4002_2000: flash,
        0x4002_0000: dmas[0],
        0x4002_0400: dmas[1],
        0x4002_0800: mux,
        0x4001_5400: sai,
        0xE004_2000: Peripheral(host, {0: 0x1001_6470}),  # DBGMCU: device 0x470, revision Y
        **uarts,
        **family.timers(host, TIMERS),
        **family.ports(host, pins, 0x4800_0000, "ABCDEFGHI"),
    }
    return Soc(
        cpuid=0x410F_C241,
        interrupts=95,
        priority_bits=4,
        devices=family.DEVICES,
        at=at,
        serial_ports=tuple(uarts.values()),
        clocks=rcc,
        sound=sai,
        # A unique id as a real part has one (three words), the flash size in KiB, and the package.
        cells={0x1FFF_7590: 0x0030_0021, 0x1FFF_7594: 0x3132_5101, 0x1FFF_7598: 0x2032_3950, 0x1FFF_75E0: 0x0800},
    )
