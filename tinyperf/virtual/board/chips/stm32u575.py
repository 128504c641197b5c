"""STM32U575/U585 with TrustZone off: RM0456 for registers, the CMSIS device header for bases and IRQs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tinyperf.virtual.board.chips import ClockTree, Soc
from tinyperf.virtual.board.peripherals import Gpio, Host, Peripheral, Pins, Timer, Uart

if TYPE_CHECKING:
    from tinyperf.chip import Chip

HSI_HZ, LSE_HZ, HSE_HZ = 16_000_000, 32_768, 16_000_000
# By MSISRANGE: 48 MHz divided by 1 to 4, then 4 MHz, 3.072 MHz and 400 kHz likewise.
MSI_HZ = tuple(base // n for base in (48_000_000, 4_000_000, 3_072_000, 400_000) for n in (1, 2, 3, 4))
AHB_DIVIDERS = (2, 4, 8, 16, 64, 128, 256, 512)
APB_DIVIDERS = (2, 4, 8, 16)


class Rcc(Peripheral, ClockTree):
    """0x46020C00: ready bits follow enable bits at once, SWS follows SW; the clock tree."""

    CR, ICSCR1, CFGR1, CFGR2, CFGR3, PLL1CFGR, PLL1DIVR, PLL1FRACR = 0x00, 0x08, 0x1C, 0x20, 0x24, 0x28, 0x34, 0x38
    CCIPR1, CCIPR3, BDCR = 0xE0, 0xE8, 0xF0
    READY: ClassVar = {
        CR: {0: 2, 4: 5, 8: 10, 12: 13, 14: 15, 16: 17, 24: 25, 26: 27, 28: 29},
        BDCR: {0: 1, 26: 27},
    }

    def __init__(self, host: Host) -> None:
        super().__init__(host, {self.CR: 0x35, self.ICSCR1: 0x4440_0000, self.PLL1DIVR: 0x0101_0280})
        self.flash: Peripheral | None = None

    def read(self, offset: int) -> int:
        value = super().read(offset)
        for enable, ready in self.READY.get(offset, {}).items():
            value = value & ~(1 << ready) | (value >> enable & 1) << ready
        if offset == self.CFGR1:
            value = value & ~0xC | (value & 3) << 2
        return value

    def write(self, offset: int, value: int) -> None:
        self.host.clocks_changed()
        super().write(offset, value)

    def _msi(self) -> int:
        icscr = self.regs[self.ICSCR1]
        # After reset, before MSIRGSEL is set, the range is 4, 4 MHz.
        return MSI_HZ[icscr >> 28 & 15] if icscr & 1 << 23 else MSI_HZ[4]

    def _pll(self) -> int:
        cfg, div = self.regs.get(self.PLL1CFGR, 0), self.regs[self.PLL1DIVR]
        source = (0, self._msi(), HSI_HZ, HSE_HZ)[cfg & 3]
        fraction = self.regs.get(self.PLL1FRACR, 0) >> 3 & 0x1FFF if cfg & 16 else 0
        n = (div & 0x1FF) + 1
        vco = source * (8192 * n + fraction) // (8192 * ((cfg >> 8 & 15) + 1))
        return vco // ((div >> 24 & 0x7F) + 1)

    def sysclk(self) -> int:
        switch = self.regs.get(self.CFGR1, 0) & 3
        return self._pll() if switch == 3 else (self._msi(), HSI_HZ, HSE_HZ)[switch]

    def hz(self, name: str) -> int:
        cfgr2 = self.regs.get(self.CFGR2, 0)
        ahb = cfgr2 & 15
        hclk = self.sysclk() // (AHB_DIVIDERS[ahb & 7] if ahb & 8 else 1)
        if name == "hclk":
            return max(hclk, 1)
        apb, selector = {
            "tim1": (cfgr2 >> 4 & 7, None),
            "tim2": (cfgr2 >> 8 & 7, None),
            "usart1": (cfgr2 >> 8 & 7, 0),
            "usart2": (cfgr2 >> 4 & 7, 2),
            "usart3": (cfgr2 >> 4 & 7, 4),
            "uart4": (cfgr2 >> 4 & 7, 6),
            "uart5": (cfgr2 >> 4 & 7, 8),
            "lpuart1": (self.regs.get(self.CFGR3, 0) >> 4 & 7, 32),
        }[name]
        divider = APB_DIVIDERS[apb & 3] if apb & 4 else 1
        if name.startswith("tim"):
            return hclk if divider == 1 else 2 * hclk // divider
        register = self.CCIPR3 if selector == 32 else self.CCIPR1
        choice = 0 if selector is None else self.regs.get(register, 0) >> (selector & 31) & 3
        return (hclk // divider, self.sysclk(), HSI_HZ, LSE_HZ)[choice]

    def flash_wait_states(self) -> int:
        return self.flash.regs.get(0, 0) & 15 if self.flash else 0


class Pwr(Peripheral):
    """0x46020800: voltage scaling and boost are always settled."""

    def read(self, offset: int) -> int:
        value = super().read(offset)
        if offset == 0x0C:  # VOSR: VOSRDY, BOOSTRDY follows BOOSTEN
            return value & ~0xC000 | 0x8000 | (value >> 18 & 1) << 14
        if offset == 0x3C:  # SVMSR: REGS follows CR3.REGSEL; ACTVOS and its ready bit mirror VOSR
            return (self.regs.get(0x08, 0) & 2) | 0x8000 | self.regs.get(0x0C, 0) & 0x3_0000
        return value


class UsbCore(Peripheral):
    """0x42040000: its reset is over at once and its bus idle."""

    def read(self, offset: int) -> int:
        return 0x8000_0000 if offset == 0x10 else super().read(offset)


class FlashRegisters(Peripheral):
    """0x40022000: never busy."""

    def read(self, offset: int) -> int:
        return 0 if offset == 0x20 else super().read(offset)


UARTS = (  # base, clock, irq, low power
    (0x4001_3800, "usart1", 61, False),
    (0x4000_4400, "usart2", 62, False),
    (0x4000_4800, "usart3", 63, False),
    (0x4000_4C00, "uart4", 64, False),
    (0x4000_5000, "uart5", 65, False),
    (0x4600_2400, "lpuart1", 66, True),
)
TIMERS = (  # base, clock, irq, bits, irq of compare
    (0x4000_0000, "tim1", 45, 32, None),
    (0x4000_0400, "tim1", 46, 32, None),
    (0x4000_0800, "tim1", 47, 32, None),
    (0x4000_0C00, "tim1", 48, 32, None),
    (0x4000_1000, "tim1", 49, 16, None),
    (0x4000_1400, "tim1", 50, 16, None),
    (0x4001_2C00, "tim2", 42, 16, 44),
    (0x4001_3400, "tim2", 52, 16, 54),
    (0x4001_4000, "tim2", 69, 16, None),
    (0x4001_4400, "tim2", 70, 16, None),
    (0x4001_4800, "tim2", 71, 16, None),
)


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as it is after reset."""
    rcc, pwr, flash = Rcc(host), Pwr(host), FlashRegisters(host, {0x00: 0x1})
    rcc.flash = flash
    uarts = {base: Uart(host, clock=c, irq=irq, low_power=lp) for base, c, irq, lp in UARTS}
    at: dict[int, Peripheral] = {
        0x4602_0C00: rcc,
        0x4602_0800: pwr,
        0x4002_2000: flash,
        0xE004_4000: Peripheral(host, {0: 0x3000_6482}),  # DBGMCU: device 0x482, revision X
        0x4204_0000: UsbCore(host),
        **uarts,
        **{b: Timer(host, clock=c, irq=i, bits=bits, irq_compare=cc) for b, c, i, bits, cc in TIMERS},
    }
    for n, letter in enumerate("ABCDEFGHI"):
        resets = {"A": {0: 0xABFF_FFFF}, "B": {0: 0xFFFF_FEBF}}.get(letter, {0: 0xFFFF_FFFF})
        at[0x4202_0000 + 0x400 * n] = Gpio(host, letter, pins, resets)
    return Soc(
        cpuid=0x410F_D214,
        interrupts=141,
        priority_bits=4,
        devices=((0x4000_0000, 0x2000_0000), (0xA000_0000, 0x2000), (0xE000_0000, 0x10_0000)),
        at=at,
        uarts=tuple(uarts.values()),
        clocks=rcc,
        cells={0x0BFA_0700: 0x0030_0021, 0x0BFA_0704: 0x3132_5101, 0x0BFA_0708: 0x2032_3950, 0x0BFA_07A0: 0x0800},
    )
