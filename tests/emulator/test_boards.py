"""Every board that the virtual board plays with firmware of ours: booted, talked to, inferred on, twice the same.

A new chip comes in by its files alone.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from tinyperf import board, content
from tinyperf.device.dut import Dut
from tinyperf.engines import FakeEngine, Target
from tinyperf.firmware import build
from tinyperf.firmware.render import render
from tinyperf.tflite import Model, Quantization, Tensor
from tinyperf.virtual.board import open_virtual

if TYPE_CHECKING:
    from pathlib import Path

BOARDS = [
    b
    for b in board.shipped()
    if b.emulator
    and b.emulator.engine == "unicorn"
    and (content.shipped("firmware_templates") / "mcu" / b.mcu).is_dir()
]
# Boards of one chip, with the same pins and room, have the same firmware but for its name: the first of them.
OURS = list(
    {
        (b.mcu, b.timestamp_pin, b.serial.tx, b.bootloader_bytes): b for b in reversed(BOARDS) if b.mcu != "arduino"
    }.values()
)


def image_of(chosen: board.Board) -> build.Image:
    """A model that copies 40 bytes, in energy mode."""
    tensors = tuple(Tensor(i, f"t{i}", (1, 40), "int8", Quantization((1.0,), (0,))) for i in range(2))
    model = Model("copy", "0" * 64, 0, tensors, (), (0,), (1,))
    generated = FakeEngine().generate(model, Target(chosen.core), {})
    toolset = build.find_toolset(chosen)
    project = render(chosen, model, generated, benchmark=None, energy=True, toolset=toolset)
    return build.build_project(chosen, project, generated, toolset)


def once(chosen: board.Board, image: build.Image) -> tuple[int, int, list[float]]:
    """Boot, look at the clock, infer in detail: instructions, cycles, pulses."""
    link = open_virtual(chosen, image.path)
    dut = Dut(link, where="the virtual board")
    assert dut.connect().build_id == image.build_id
    assert link.clock_hz == chosen.clock_hz
    if rows := chosen.chip.wait_states:
        row = next(row for row in rows if link.clock_hz <= row.up_to_hz)
        settings = link.machine.soc.clocks.flash_settings()
        assert settings.wait_states == row.of(code_cache=settings.code_cache)
    assert link.baud == pytest.approx(chosen.serial.energy_baud, rel=0.01)
    sent = bytes(range(100, 140))
    dut.download(sent)
    link.detailed = True
    answer = dut.infer(3, 1, pulses=True)
    assert answer is not None
    assert list(answer.results) == [float(b - 256 if b > 127 else b) for b in sent]
    counters = link.counters()
    return counters.instructions, counters.cycles, link.pulses()


@pytest.mark.slow
@pytest.mark.parametrize("chosen", OURS, ids=lambda b: b.name)
def test_our_firmware_on_a_board(chosen: board.Board) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    image = image_of(chosen)
    instructions, cycles, pulses = first = once(chosen, image)
    assert once(chosen, image) == first
    assert 0 < instructions < cycles
    assert len(pulses) == 3  # at boot, and at both ends of the window


@pytest.mark.slow
def test_the_boot_rom_of_the_rp2350_finds_our_program() -> None:
    """RP2350 datasheet, 5.9.5: a block in the first 4 KiB whose first item is an IMAGE_TYPE."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    flash = image_of(board.load("raspberry-pi-pico-2")).path.with_suffix(".bin").read_bytes()
    at = flash.index(struct.pack("<I", 0xFFFF_DED3))
    start, kind, words, program, last, items, _, following, end = struct.unpack_from("<IBBHBHBiI", flash, at)
    assert at + 20 <= 4096
    assert (start, end) == (0xFFFF_DED3, 0xAB12_3579)
    assert (kind, words) == (0x42, 1)
    assert (program & 15, program >> 4 & 3, program >> 8 & 7, program >> 12 & 7) == (1, 2, 0, 1)  # EXE, S, Arm, RP2350
    assert (last, items, following) == (0xFF, 1, 0)
    stack, entry = struct.unpack_from("<2I", flash)
    assert 0x2000_0000 < stack <= 0x2008_2000
    assert 0x1000_0000 < entry < 0x1000_0000 + len(flash)


PSOC = """
    .syntax unified
    .cpu cortex-m4
    .thumb
    .space 0x2000               @ the Cortex-M0+'s image
    .word 0x080FF800, reset
    .thumb_func
reset:
    ldr r0, =0x40000C14         @ PERI: clock 5 by divider 0 of 16 bits
    mov r1, #0x100
    str r1, [r0]
    ldr r0, =0x40001400         @ 13
    mov r1, #0xC00
    str r1, [r0]
    ldr r0, =0x40650000         @ SCB5: UART, 10 samples a bit
    ldr r1, =0x82000009
    str r1, [r0]
1:  ldr r1, [r0, #0x340]        @ nothing reads as ones
    adds r2, r1, #1
    beq 1b
    str r1, [r0, #0x240]
    b 1b
"""


def test_the_psoc_6_echoes(tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-as") is None:
        pytest.skip("arm-none-eabi-as is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    (tmp_path / "a.s").write_text(PSOC)
    subprocess.run(["arm-none-eabi-as", "a.s", "-o", "a.o"], cwd=tmp_path, check=True)
    subprocess.run(["arm-none-eabi-ld", "-Ttext=0x10000000", "a.o", "-o", "a.elf"], cwd=tmp_path, check=True)
    link = open_virtual(board.load("cy8cproto-062-4343w"), tmp_path / "a.elf")
    link.read(2.0)
    begun = link.now_s()
    link.write(b"hello\n")
    assert link.read(1.0) == b"hello\n"
    assert link.baud == 8_000_000 // 130
    assert link.now_s() - begun == pytest.approx(7 * 10 / link.baud, rel=0.05)


def test_there_are_such_boards() -> None:
    assert {"nucleo-l4r5zi", "nucleo-g0b1re", "raspberry-pi-pico", "raspberry-pi-pico-2"} <= {b.name for b in OURS}
