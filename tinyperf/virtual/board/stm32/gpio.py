"""GPIO of the STM32 families since the F0: MODER, IDR, ODR, BSRR, BRR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Host, Pins


class Gpio(Peripheral):
    """One port."""

    def __init__(self, host: Host, letter: str, pins: Pins, resets: dict[int, int]) -> None:
        super().__init__(host, resets)
        self.letter, self.pins = letter, pins
        pins.ports[letter] = self

    def read(self, offset: int) -> int:
        if offset == 0x10:  # IDR: outputs read back, inputs are low unless something on the board drives them
            return self.driven() | self.pins.tied_high(self.letter)
        return self.regs.get(offset, 0)

    def driven(self) -> int:
        """The outputs that are high, as bits."""
        return self._outputs() & self.regs.get(0x14, 0)

    def _outputs(self) -> int:
        moder = self.regs.get(0x00, 0)
        return sum(1 << pin for pin in range(16) if moder >> (2 * pin) & 3 == 1)

    def write(self, offset: int, value: int) -> None:
        odr = self.regs.get(0x14, 0)
        if offset == 0x18:  # BSRR: set wins over reset
            self._set(odr & ~(value >> 16) | value & 0xFFFF)
        elif offset == 0x28:  # BRR
            self._set(odr & ~value)
        elif offset == 0x14:
            self._set(value)
        elif offset != 0x10:
            self.regs[offset] = value

    def _set(self, value: int) -> None:
        value &= 0xFFFF
        changed = (value ^ self.regs.get(0x14, 0)) & self._outputs()
        self.regs[0x14] = value
        if changed:
            now = self.host.now_ps()
            for pin in range(16):
                if changed >> pin & 1:
                    self.pins.edges.append((now, f"P{self.letter}{pin}", value >> pin & 1))
