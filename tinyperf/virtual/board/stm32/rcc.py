"""RCC of the STM32 families: ready bits, the switch of the system clock, and the clock tree, all by tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from tinyperf.virtual.board.chips import ClockTree
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.virtual.board.peripherals import Host

LSE_HZ = 32_768
AHB_DIVIDERS = (2, 4, 8, 16, 64, 128, 256, 512)
APB_DIVIDERS = (2, 4, 8, 16)


class Field(NamedTuple):
    """Some bits of a register."""

    register: int
    bit: int
    width: int = 3

    def of(self, regs: Mapping[int, int]) -> int:
        """Its value."""
        return regs.get(self.register, 0) >> self.bit & (1 << self.width) - 1


class Branch(NamedTuple):
    """A clock behind a bus prescaler. `selector`: chooses of bus, system clock, HSI, LSE; None: always the bus.

    `timer`: a timer's, which is doubled where the bus is divided.
    """

    prescaler: Field
    selector: Field | None = None
    timer: bool = False


class Rcc(Peripheral, ClockTree):
    """Base of the chips' own: ready bits follow enable bits at once, SWS follows SW.

    READY: register -> enable bit -> ready bit. SWITCH, SWITCHED: SW and SWS. AHB: its prescaler. BRANCHES: by name.
    CLOCK_REGISTERS: writing one of these may change a clock; None: any. TIMPRE: timers are clocked up to four times as
    fast as their bus; None: there is no such bit.
    """

    READY: ClassVar[Mapping[int, Mapping[int, int]]]
    SWITCH: ClassVar[Field]
    SWITCHED: ClassVar[Field]
    AHB: ClassVar[Field]
    BRANCHES: ClassVar[Mapping[str, Branch]]
    CLOCK_REGISTERS: ClassVar[frozenset[int] | None] = None
    TIMPRE: ClassVar[Field | None] = None
    HSI_HZ: ClassVar[int] = 16_000_000

    def __init__(self, host: Host, resets: dict[int, int], flash: Peripheral) -> None:
        super().__init__(host, resets)
        self._flash = flash
        self._hz: dict[str, int] = {}  # known since a register was written

    def reset(self) -> None:
        super().reset()
        self._hz.clear()

    def source_hz(self, switch: int) -> int:
        """The oscillator or PLL that SW = `switch` names."""
        raise NotImplementedError

    def read(self, offset: int) -> int:
        value = super().read(offset)
        # Ready bits are computed, never stored: a stored one would survive a read-modify-write that clears the enable.
        for enable, ready in self.READY.get(offset, {}).items():
            value = value & ~(1 << ready) | (value >> enable & 1) << ready
        if offset == self.SWITCHED.register:
            mask = (1 << self.SWITCHED.width) - 1
            value = value & ~(mask << self.SWITCHED.bit) | self.SWITCH.of(self.regs) << self.SWITCHED.bit
        return value

    def write(self, offset: int, value: int) -> None:
        if self.CLOCK_REGISTERS is None or offset in self.CLOCK_REGISTERS:
            self.host.clocks_changed()
        super().write(offset, value)
        self._hz.clear()

    def core_hz(self) -> int:
        """Of the core."""
        return self._divided(self.source_hz(self.SWITCH.of(self.regs)), self.AHB)

    def bus_hz(self) -> int:
        """Of what APB prescalers divide."""
        return self.core_hz()

    def kernel_hz(self, choice: int) -> int:
        """What a selector other than 0 chooses."""
        return (0, self.source_hz(self.SWITCH.of(self.regs)), self.HSI_HZ, LSE_HZ)[choice]

    def _divided(self, hz: int, prescaler: Field) -> int:
        value = prescaler.of(self.regs)
        return hz // (AHB_DIVIDERS[value & 7] if value & 8 else 1)

    def hz(self, name: str) -> int:
        hz = self._hz.get(name)
        if hz is None:
            hz = self._hz[name] = self._hz_of(name)
        return hz

    def _hz_of(self, name: str) -> int:
        if name == "hclk":
            return max(self.core_hz(), 1)
        bus, branch = self.bus_hz(), self.BRANCHES[name]
        apb = branch.prescaler.of(self.regs)
        divider = APB_DIVIDERS[apb & 3] if apb & 4 else 1
        if branch.timer:
            times = 4 if self.TIMPRE and self.TIMPRE.of(self.regs) else 2
            return min(times * bus // divider, bus)
        choice = branch.selector.of(self.regs) if branch.selector else 0
        return self.kernel_hz(choice) if choice else bus // divider

    def flash_settings(self) -> FlashSettings:
        acr = self._flash.regs.get(0, 0)
        return FlashSettings(acr & 15, *(bool(acr >> bit & 1) for bit in (8, 9, 10)))  # LATENCY, PRFTEN, ICEN, DCEN
