"""Firmware that touches what nobody has modelled: told of by address, PC and the file to edit, on every chip alike."""

from __future__ import annotations

import importlib
import struct
from typing import TYPE_CHECKING

import pytest

from tinyperf import board
from tinyperf.errors import DeviceError, FaultError
from tinyperf.virtual.board import open_virtual

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.virtual.board.link import VirtualLink

PLAYED = {b.chip.name: b for b in board.shipped() if b.emulator and b.emulator.engine == "unicorn"}
REGISTER = 0x5FFF_0000
"""Among the peripherals of every chip, and none of any."""
NOWHERE = 0x9000_0000
LOAD = 10
"""Where the load is, behind the vectors' beginning."""


def polling(path: Path, chosen: board.Board, address: int) -> VirtualLink:
    """A program of four instructions that loads from `address` until bit 0 is set."""
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    assert chosen.memory
    origin, ram = chosen.memory.flash.origin, chosen.memory.ram
    module = importlib.import_module(f"tinyperf.virtual.board.chips.{chosen.chip.name}")
    vectors = getattr(module, "VECTORS", origin)
    program = struct.pack("<2I4HI", ram.origin + ram.bytes, vectors + 9, 0x4801, 0x6801, 0x07C9, 0xD0FC, address)
    image = path / "image.bin"
    image.write_bytes(bytes(vectors - origin) + program)
    return open_virtual(chosen, image)


@pytest.mark.parametrize("chosen", PLAYED.values(), ids=PLAYED)
def test_a_register_that_never_changes(chosen: board.Board, tmp_path: Path) -> None:
    link = polling(tmp_path, chosen, REGISTER)
    with pytest.raises(DeviceError) as caught:
        link.read(2.0)
    pc = link.machine.soc.vectors or link.machine.image.segments[0][0]
    assert f"at PC {pc + LOAD:#010x} it waits for register {REGISTER:#010x}, which reads 0x00000000" in str(
        caught.value
    )
    assert f"tinyperf/virtual/board/chips/{chosen.chip.name}.py" in str(caught.value.hint)


@pytest.mark.slow
@pytest.mark.parametrize("chosen", PLAYED.values(), ids=PLAYED)
def test_an_address_where_the_chip_has_nothing(chosen: board.Board, tmp_path: Path) -> None:
    link = polling(tmp_path, chosen, NOWHERE)
    with pytest.raises(FaultError) as caught:
        link.read(1.0)
    pc = link.machine.soc.vectors or link.machine.image.segments[0][0]
    assert f"firmware fault at PC {pc + LOAD:#010x}" in str(caught.value)
    assert f"address {NOWHERE:#010x}" in str(caught.value)
    for file in (f"boards/chips/{chosen.chip.name}.yaml", f"tinyperf/virtual/board/chips/{chosen.chip.name}.py"):
        assert file in str(caught.value.hint)
