"""STM32L4R5/L4S5 (and near enough L4R7/L4R9): RM0432 for registers, the CMSIS device header for bases and IRQs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tinyperf.virtual.board.chips import ClockTree, Soc
from tinyperf.virtual.board.peripherals import Dma, Gpio, Host, Peripheral, Pins, Timer, Uart

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.chip import Chip

HSI_HZ, LSE_HZ, HSE_HZ = 16_000_000, 32_768, 8_000_000
MSI_HZ = (  # by MSIRANGE
    100_000,
    200_000,
    400_000,
    800_000,
    1_000_000,
    2_000_000,
    4_000_000,
    8_000_000,
    16_000_000,
    24_000_000,
    32_000_000,
    48_000_000,
)
AHB_DIVIDERS = (2, 4, 8, 16, 64, 128, 256, 512)
APB_DIVIDERS = (2, 4, 8, 16)


class Rcc(Peripheral, ClockTree):
    """0x40021000: ready bits follow enable bits at once, SWS follows SW; the clock tree."""

    CR, CFGR, PLLCFGR, CCIPR, BDCR, CSR, CRRCR = 0x00, 0x08, 0x0C, 0x88, 0x90, 0x94, 0x98
    # enable bit -> ready bit
    READY: ClassVar = {
        CR: {0: 1, 8: 10, 16: 17, 24: 25, 26: 27, 28: 29},
        BDCR: {0: 1},
        CSR: {0: 1},
        CRRCR: {0: 1},
    }

    def __init__(self, host: Host) -> None:
        super().__init__(host, {self.CR: 0x63, self.PLLCFGR: 0x1000, self.CSR: 0x0C00_0600, 0x48: 0x100})
        self.flash: Peripheral | None = None

    def read(self, offset: int) -> int:
        value = super().read(offset)
        # Ready bits are computed, never stored: a stored one would survive a read-modify-write that clears the enable.
        for enable, ready in self.READY.get(offset, {}).items():
            value = value & ~(1 << ready) | (value >> enable & 1) << ready
        if offset == self.CFGR:
            value = value & ~0xC | (value & 3) << 2
        return value

    def write(self, offset: int, value: int) -> None:
        if offset in {self.CR, self.CFGR, self.PLLCFGR, self.CCIPR, self.CSR}:
            self.host.clocks_changed()
        super().write(offset, value)

    def _msi(self) -> int:
        cr = self.regs[self.CR]
        index = cr >> 4 & 15 if cr & 8 else self.regs[self.CSR] >> 8 & 15
        # After reset, before MSIRGSEL is set, the range is that of CSR.MSISRANGE, 4 MHz.
        return MSI_HZ[min(index, 11)]

    def sysclk(self) -> int:
        switch = self.regs.get(self.CFGR, 0) & 3
        if switch == 3:
            return self._pll()
        return (self._msi(), HSI_HZ, HSE_HZ)[switch]

    def _pll(self) -> int:
        cfg = self.regs[self.PLLCFGR]
        source = (0, self._msi(), HSI_HZ, HSE_HZ)[cfg & 3]
        vco = source * (cfg >> 8 & 0x7F) // ((cfg >> 4 & 15) + 1)
        return vco // (2 * (cfg >> 25 & 3) + 2)

    def hz(self, name: str) -> int:
        cfgr = self.regs.get(self.CFGR, 0)
        ahb = cfgr >> 4 & 15
        hclk = self.sysclk() // (AHB_DIVIDERS[ahb & 7] if ahb & 8 else 1)
        if name == "hclk":
            return max(hclk, 1)
        bus, selector = {
            "pclk1": (8, None),
            "pclk2": (11, None),
            "tim1": (8, None),
            "tim2": (11, None),
            "usart1": (11, 0),
            "usart2": (8, 2),
            "usart3": (8, 4),
            "uart4": (8, 6),
            "uart5": (8, 8),
            "lpuart1": (8, 10),
        }[name]
        apb = cfgr >> bus & 7
        divider = APB_DIVIDERS[apb & 3] if apb & 4 else 1
        if name.startswith("tim"):
            return hclk if divider == 1 else 2 * hclk // divider
        choice = 0 if selector is None else self.regs.get(self.CCIPR, 0) >> selector & 3
        return (hclk // divider, self.sysclk(), HSI_HZ, LSE_HZ)[choice]

    def flash_wait_states(self) -> int:
        return self.flash.regs.get(0, 0) & 15 if self.flash else 0


class Pwr(Peripheral):
    """0x40007000: voltage scaling is always settled."""

    def read(self, offset: int) -> int:
        if offset == 0x14:  # SR2: REGLPS ready; REGLPF follows CR1.LPR; VOSF never busy
            return 0x100 | (self.regs.get(0, 0) >> 14 & 1) << 9
        return super().read(offset)


class FlashRegisters(Peripheral):
    """0x40022000: never busy; unlocking works, programming does not (the image is read-only)."""

    def read(self, offset: int) -> int:
        return 0 if offset == 0x10 else super().read(offset)


class Dmamux(Peripheral):
    """0x40020800: request numbers of the DMA channels."""

    def request(self, dma: int, channel: int) -> int:
        return self.regs.get(4 * (7 * dma + channel), 0) & 0x7F


UARTS = (  # base, clock, irq, low power, DMAMUX requests for reception and transmission
    (0x4001_3800, "usart1", 37, False, 24, 25),
    (0x4000_4400, "usart2", 38, False, 26, 27),
    (0x4000_4800, "usart3", 39, False, 28, 29),
    (0x4000_4C00, "uart4", 52, False, 30, 31),
    (0x4000_5000, "uart5", 53, False, 32, 33),
    (0x4000_8000, "lpuart1", 70, True, 34, 35),
)
TIMERS = (  # base, clock, irq, bits, irq of compare
    (0x4000_0000, "tim1", 28, 32, None),
    (0x4000_0400, "tim1", 29, 16, None),
    (0x4000_0800, "tim1", 30, 16, None),
    (0x4000_0C00, "tim1", 50, 32, None),
    (0x4000_1000, "tim1", 54, 16, None),
    (0x4000_1400, "tim1", 55, 16, None),
    (0x4001_2C00, "tim2", 25, 16, 27),
    (0x4001_3400, "tim2", 44, 16, 46),
    (0x4001_4000, "tim2", 24, 16, None),
    (0x4001_4400, "tim2", 25, 16, None),
    (0x4001_4800, "tim2", 26, 16, None),
)


def wire_dma(uarts: dict[int, Uart], dmas: tuple[Dma, ...], requests: dict[int, tuple[int, int]]) -> None:
    """Connect each UART's two requests to whichever DMA channel they are routed to, and back when one is enabled."""

    def serve(request: int) -> Callable[[], None]:
        def ask() -> None:
            for dma in dmas:
                dma.serve(request)

        return ask

    waiting: dict[int, Callable[[], None]] = {}
    for base, uart in uarts.items():
        rx, tx = requests[base]
        uart.rx_request, uart.tx_request = serve(rx), serve(tx)
        waiting[rx], waiting[tx] = uart.poll_dma, uart.poll_dma
    for dma in dmas:
        dma.enabled = lambda request: waiting.get(request, lambda: None)()


def build(_chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as it is after reset."""
    rcc, pwr, flash, mux = Rcc(host), Pwr(host, {0: 0x200, 8: 0x8000, 0x80: 0x100}), FlashRegisters(host), Dmamux(host)
    flash.resets = flash.regs = {0x00: 0x600, 0x14: 0xC000_0000, 0x20: 0xFFEF_F8AA}
    flash.reset()
    rcc.flash = flash
    uarts = {base: Uart(host, clock=c, irq=irq, low_power=lp) for base, c, irq, lp, _, _ in UARTS}
    dmas = (
        Dma(host, irqs=(11, 12, 13, 14, 15, 16, 17), request_of=lambda channel: mux.request(0, channel)),
        Dma(host, irqs=(56, 57, 58, 59, 60, 68, 69), request_of=lambda channel: mux.request(1, channel)),
    )
    wire_dma(uarts, dmas, {row[0]: (row[4], row[5]) for row in UARTS})
    at: dict[int, Peripheral] = {
        0x4002_1000: rcc,
        0x4000_7000: pwr,
        0x4002_2000: flash,
        0x4002_0000: dmas[0],
        0x4002_0400: dmas[1],
        0x4002_0800: mux,
        0xE004_2000: Peripheral(host, {0: 0x1001_6470}),  # DBGMCU: device 0x470, revision Y
        **uarts,
        **{b: Timer(host, clock=c, irq=i, bits=bits, irq_compare=cc) for b, c, i, bits, cc in TIMERS},
    }
    for n, letter in enumerate("ABCDEFGHI"):
        resets = {"A": {0: 0xABFF_FFFF}, "B": {0: 0xFFFF_FEBF}}.get(letter, {0: 0xFFFF_FFFF})
        at[0x4800_0000 + 0x400 * n] = Gpio(host, letter, pins, resets)
    return Soc(
        cpuid=0x410F_C241,
        interrupts=95,
        priority_bits=4,
        devices=((0x4000_0000, 0x2000_0000), (0xA000_0000, 0x2000), (0xE000_0000, 0x10_0000)),
        at=at,
        uarts=tuple(uarts.values()),
        clocks=rcc,
        # A unique id as a real part has one (three words), the flash size in KiB, and the package.
        cells={0x1FFF_7590: 0x0030_0021, 0x1FFF_7594: 0x3132_5101, 0x1FFF_7598: 0x2032_3950, 0x1FFF_75E0: 0x0800},
    )
