"""nRF52840: its product specification for registers; a peripheral's interrupt is a part of its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.chips import ClockTree, Soc
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.nrf52.clock import Clock
from tinyperf.virtual.board.nrf52.gpio import Gpio
from tinyperf.virtual.board.nrf52.timer import Timer
from tinyperf.virtual.board.nrf52.uarte import Uarte
from tinyperf.virtual.board.peripherals import Host, Peripheral, Pins

if TYPE_CHECKING:
    from tinyperf.chip import Chip, WaitStates

ICACHECNF = 0x540
TIMERS = {0x4000_8000: 8, 0x4000_9000: 9, 0x4000_A000: 10, 0x4001_A000: 26, 0x4001_B000: 27}


class Clocks(ClockTree):
    """Everything runs at 64 MHz, whatever its oscillator."""

    def __init__(self, nvmc: Nvmc, waits: WaitStates) -> None:
        self._nvmc, self._waits = nvmc, waits

    def hz(self, name: str) -> int:
        return {"hclk": 64_000_000}.get(name, 16_000_000)

    def flash_settings(self) -> FlashSettings:
        cached = bool(self._nvmc.regs.get(ICACHECNF, 0) & 1)
        return FlashSettings(self._waits.of(code_cache=cached), prefetch=False, code_cache=cached, data_cache=False)


class Nvmc(Peripheral):
    """0x4001E000: never busy (READY, READYNEXT)."""

    def read(self, offset: int) -> int:
        return 1 if offset in {0x400, 0x408} else super().read(offset)


def build(chip: Chip, host: Host, pins: Pins) -> Soc:
    """The chip as it is after reset."""
    nvmc = Nvmc(host)
    uarts = {0x4000_2000: Uarte(host, 2), 0x4002_8000: Uarte(host, 40)}
    at: dict[int, Peripheral] = {
        0x4000_0000: Clock(host),
        0x4001_E000: nvmc,
        0x5000_0000: Gpio(host, pins),
        **uarts,
        **{base: Timer(host, irq) for base, irq in TIMERS.items()},
    }
    return Soc(
        cpuid=0x410F_C241,
        interrupts=48,
        priority_bits=3,
        devices=((0x4000_0000, 0x2000_0000), (0xE000_0000, 0x10_0000)),
        at=at,
        serial_ports=tuple(uarts.values()),
        clocks=Clocks(nvmc, chip.wait_states[0]),
        # FICR: page size and count, device id, part, RAM and flash in KiB.
        cells={
            0x1000_0010: 4096,
            0x1000_0014: 256,
            0x1000_0060: 0x0030_0021,
            0x1000_0064: 0x3132_5101,
            0x1000_0100: 0x0005_2840,
            0x1000_010C: 256,
            0x1000_0110: 1024,
        },
        block_bytes=0x1000,
    )
