"""What the chips of the STM32 families have alike, made of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tinyperf.virtual.board.peripherals import Peripheral
from tinyperf.virtual.board.stm32.gpio import Gpio
from tinyperf.virtual.board.stm32.timer import Timer
from tinyperf.virtual.board.stm32.uart import Uart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tinyperf.virtual.board.peripherals import Host, Pins

DEVICES = ((0x4000_0000, 0x2000_0000), (0xA000_0000, 0x2000), (0xE000_0000, 0x10_0000))
"""Peripherals, the external memory controllers' registers, the private peripheral bus."""


class UartRow(NamedTuple):
    """`rx_request`, `tx_request`: of DMAMUX."""

    base: int
    clock: str
    irq: int
    low_power: bool = False
    rx_request: int = 0
    tx_request: int = 0


class TimerRow(NamedTuple):
    """`irq_compare`: where compare events have an interrupt of their own."""

    base: int
    clock: str
    irq: int
    bits: int = 16
    irq_compare: int | None = None


Row = TypeVar("Row", UartRow, TimerRow)


def without(rows: Sequence[Row], *bases: int) -> tuple[Row, ...]:
    """The blocks of a like chip, less those at `bases`."""
    return tuple(row for row in rows if row.base not in bases)


def uarts(host: Host, rows: Sequence[UartRow]) -> dict[int, Uart]:
    """By base address."""
    return {row.base: Uart(host, clock=row.clock, irq=row.irq, low_power=row.low_power) for row in rows}


def timers(host: Host, rows: Sequence[TimerRow]) -> dict[int, Timer]:
    """By base address."""
    return {
        row.base: Timer(host, clock=row.clock, irq=row.irq, bits=row.bits, irq_compare=row.irq_compare) for row in rows
    }


ANALOG = {"A": 0xABFF_FFFF, "B": 0xFFFF_FEBF}
"""MODER of the ports after reset: analog (all ones), but for the debug port on A and B."""


def ports(
    host: Host, pins: Pins, base: int, letters: str, moder: Mapping[str, int] = ANALOG, *, others: int = 0xFFFF_FFFF
) -> dict[int, Gpio]:
    """GPIO from `base` on. `moder`: after reset; `others`: of the ports that it does not name."""
    return {
        base + 0x400 * n: Gpio(host, letter, pins, {0: moder.get(letter, others)}) for n, letter in enumerate(letters)
    }


class Computed(Peripheral):
    """Storage, but for status registers that follow from others: `reads` has their value by the registers."""

    def __init__(
        self, host: Host, resets: dict[int, int], reads: Mapping[int, Callable[[Mapping[int, int]], int]]
    ) -> None:
        super().__init__(host, resets)
        self._reads = reads

    def read(self, offset: int) -> int:
        status = self._reads.get(offset)
        return status(self.regs) if status else super().read(offset)
