"""What the RP2350 has that no other chip here has: isolated pads, and chained reads of its flash."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from tinyperf import board
from tinyperf.chip import InstructionCache
from tinyperf.virtual.board import open_virtual
from tinyperf.virtual.board.memory.icache import Icache

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.virtual.board.link import VirtualLink

PICO_2 = board.load("raspberry-pi-pico-2")
FLASH = 0x1000_0000
GPIO_OUT_SET, GPIO_OE_SET = 0xD000_0018, 0xD000_0038
UART0_CR, QMI_M0_TIMING = 0x4007_0030, 0x400D_000C
CLEAR = 0x3000
INPUT, ISOLATED = 1 << 6, 1 << 8


def control(pin: int) -> int:
    return 0x4002_8004 + 8 * pin


def pad(pin: int) -> int:
    return 0x4003_8004 + 4 * pin


@pytest.fixture
def link(tmp_path: Path) -> VirtualLink:
    """A chip whose program is one jump to itself."""
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    image = tmp_path / "loop.bin"
    image.write_bytes(struct.pack("<2IH", 0x2000_1000, FLASH + 9, 0xE7FE))
    return open_virtual(PICO_2, image)


def test_a_pin_follows_once_its_pad_is_let_out(link: VirtualLink) -> None:
    machine = link.machine
    machine.bus_write(GPIO_OUT_SET, 4, 1 << 2)
    machine.bus_write(GPIO_OE_SET, 4, 1 << 2)
    assert machine.edges == []
    machine.bus_write(pad(2) + CLEAR, 4, ISOLATED)
    assert [edge[1:] for edge in machine.edges] == [("GP2", 1)]


@pytest.mark.parametrize(
    ("function", "bits", "listens"),
    [
        pytest.param(2, INPUT, True, id="connected"),
        pytest.param(2, INPUT | ISOLATED, False, id="isolated"),
        pytest.param(2, 0, False, id="input-off"),
        pytest.param(5, INPUT, False, id="another-function"),
    ],
)
def test_a_uart_hears_through_a_pad(link: VirtualLink, function: int, bits: int, listens: bool) -> None:
    machine = link.machine
    machine.bus_write(UART0_CR, 4, 0x301)
    machine.bus_write(control(1), 4, function)
    machine.bus_write(pad(1), 4, bits)
    assert [port.listening for port in machine.soc.serial_ports] == [listens, False]


def test_a_line_takes_the_clocks_of_its_read(link: VirtualLink) -> None:
    """8 of command, 6 of address, 2 behind it, 4 of waiting, 16 of data; 1 to select; and 7 cycles unselected."""
    settings = link.machine.soc.clocks.flash_settings
    assert settings()[0] == 3 * 37 + 7
    link.machine.bus_write(QMI_M0_TIMING, 4, 1 << 30 | 7 << 12 | 2 << 8 | 2)
    assert (settings().wait_states, settings().chained_states, settings().chained_cycles) == (2 * 37 + 7, 2 * 16, 64)
    caches, memory = PICO_2.chip.caches, PICO_2.memory
    assert isinstance(caches, InstructionCache)
    assert memory
    cache = Icache(caches, memory.flash, settings)
    asked = [(0, 0), (8, 200), (16, 300), (24, 1000), (8, 2000), (4096, 3000)]
    assert [cache.read(FLASH + at, 4, now) for at, now in asked] == [8 + 81, 8 + 81, 8 + 32, 8 + 81, 0, 8 + 81]
