"""What every peripheral of every chip is made of: registers, events in virtual time, and the board around the pins.

A register nobody here knows is storage with its reset value. Times are integer picoseconds of virtual time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Event:
    """Something that will happen; `cancel` makes it not happen."""

    __slots__ = ("action", "cancelled")

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Host(Protocol):
    """What a peripheral sees of the machine around it."""

    def now_ps(self) -> int:
        """Virtual time, exact at the instruction that accesses the peripheral."""

    def at(self, ps: int, action: Callable[[], None]) -> Event:
        """Do something then."""

    def irq(self, number: int, asserted: bool) -> None:
        """Level of an interrupt line."""

    def clock_hz(self, name: str) -> int:
        """A clock of the SoC by name: hclk, pclk1, pclk2, tim1, tim2, lpuart1, ..."""

    def cycles(self) -> int:
        """Core cycles since power-on, exact at the accessing instruction."""

    def clocks_changed(self) -> None:
        """The clock tree was written; every clock may differ from now on."""

    def received(self, data: bytes) -> None:
        """A serial port finished sending these bytes."""

    def view(self, address: int, size: int) -> memoryview | None:
        """Memory shared with the core, for DMA."""

    def bus_read(self, address: int, width: int) -> int:
        """A read as the core would do it, for DMA."""

    def bus_write(self, address: int, width: int, value: int) -> None:
        """A write as the core would do it, for DMA."""

    def polled(self, status: int) -> bool:
        """A status register was read; a loop that reads the same again and again waits for an event.

        True: time has passed up to that event, and the load sees what the register reads now.
        """

    def time_was_read(self) -> None:
        """A counter that runs by itself was read: the loop that reads it is not idle."""


class Clocked(Protocol):
    """What goes by a clock that the firmware may change."""

    def before_clock_change(self) -> None:
        """The clocks are still the old ones: settle what depends on them."""

    def after_clock_change(self) -> None:
        """The clocks are the new ones: schedule anew."""


class Peripheral:
    """A block of 32-bit registers; this one only stores."""

    def __init__(self, host: Host, resets: dict[int, int] | None = None) -> None:
        self.host = host
        self.resets = resets or {}
        self.regs: dict[int, int] = dict(self.resets)

    def reset(self) -> None:
        self.regs = dict(self.resets)

    def read(self, offset: int) -> int:
        return self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.regs[offset] = value

    def before_clock_change(self) -> None:
        """The clocks are still the old ones: settle what depends on them."""

    def after_clock_change(self) -> None:
        """The clocks are the new ones: schedule anew."""


class SoundInput(Protocol):
    """What an I2S shows to who plays."""

    @property
    def playing(self) -> bool:
        """The end of what is played has not come."""

    def play(self, line: bytes) -> None:
        """From now on these samples are on the line: 16 bits, little-endian, left and right in turn, 16 kHz each."""


class Port(Protocol):
    """A group of up to 16 pins."""

    def driven(self) -> int:
        """The outputs that are high, as bits."""


class Pins:
    """The board around the pins: every edge of an output as (picoseconds, pin, level), and what ties pins together.

    `wires`: input pin -> output pin.
    """

    def __init__(self, edges: list[tuple[int, str, int]], wires: Mapping[str, str]) -> None:
        self.edges, self.wires = edges, wires
        self.ports: dict[str, Port] = {}

    def tied_high(self, letter: str) -> int:
        """The inputs of one port that an output holds high, as bits."""
        held = [pin for pin, source in self.wires.items() if pin[1] == letter and self._high(source)]
        return sum(1 << int(pin[2:]) for pin in held)

    def _high(self, pin: str) -> int:
        port = self.ports.get(pin[1])
        return port.driven() >> int(pin[2:]) & 1 if port else 0
