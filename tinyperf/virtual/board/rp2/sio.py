"""SIO of the RP2040 and RP2350: the pins; the rest is storage.

Source: RP2040 datasheet, 2.3.1.7; RP2350 datasheet, 3.1.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.virtual.board.peripherals import Host, Pins

IN, OUT = 0x04, 0x10
PINS = 30


def _none() -> int:
    return 0


class Sio(Peripheral):
    """`stride`: from GPIO_OUT to GPIO_OUT_SET, and so on. `isolated`: pins that do not follow, as bits."""

    def __init__(self, host: Host, pins: Pins, *, stride: int, isolated: Callable[[], int] = _none) -> None:
        super().__init__(host)
        self.pins, self._stride, self._isolated = pins, stride, isolated
        self._enabled = OUT + 4 * stride
        self._levels = 0

    def reset(self) -> None:
        super().reset()
        self._levels = 0

    def read(self, offset: int) -> int:
        return self._levels if offset == IN else self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        register, apart = divmod(offset - OUT, self._stride)
        if register in range(8) and not apart:
            base = self._enabled if register > 3 else OUT
            old = self.regs.get(base, 0)
            self.regs[base] = (value, old | value, old & ~value, old ^ value)[register & 3] & (1 << PINS) - 1
            self.settle()
        else:
            self.regs[offset] = value

    def settle(self) -> None:
        """The pins follow what drives them now."""
        driven = self.regs.get(OUT, 0) & self.regs.get(self._enabled, 0) & ~self._isolated()
        changed, self._levels = self._levels ^ driven, driven
        for pin in range(PINS):
            if changed >> pin & 1:
                self.pins.edges.append((self.host.now_ps(), f"GP{pin}", driven >> pin & 1))
