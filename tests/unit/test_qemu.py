"""The same firmware under QEMU: an emulator that is not ours."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tinyperf import board as boards
from tinyperf.device.dut import Dut
from tinyperf.engines import FakeEngine, Target
from tinyperf.errors import DeviceError, UsageError
from tinyperf.firmware import build
from tinyperf.firmware.render import render
from tinyperf.request import Request
from tinyperf.session import checks, profile
from tinyperf.tflite import Model, Quantization, Tensor
from tinyperf.virtual.board.qemu import PROGRAM, QemuLink, arguments
from tinyperf.virtual.connect import open_image

if TYPE_CHECKING:
    from tinyperf.result import Mode

BOARD = boards.load("mps2-an386")
BURST = 400
"""Commands while it infers, more than any ring holds: QEMU has no baud rate, and keeps what is not read."""


def name(board: boards.Board) -> str:
    return board.name


def test_arguments() -> None:
    assert arguments("mps2-an386", Path("/a b/fw.elf"), plugin="./count.so,out=x") == (
        *("-machine", "mps2-an386", "-kernel", "/a b/fw.elf", "-display", "none", "-monitor", "none"),
        *("-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial"),
        *("-plugin", "./count.so,out=x"),
    )


def test_arguments_of_a_clock_that_counts_instructions() -> None:
    assert arguments("mps3-an547", Path("fw.elf"), counting=True)[-2:] == ("-icount", "shift=9")


@pytest.mark.parametrize("mode", ["performance", "energy"])
def test_what_qemu_cannot_say_is_refused(mode: Mode) -> None:
    asked = Request("mps3-an547", "kws", mode, virtual=True, monitor="virtual" if mode == "energy" else None)
    with pytest.raises(UsageError, match=f"{mode} mode on mps3-an547") as caught:
        checks.check_request(asked)
    assert "would time QEMU, not a board" in caught.value.means


def test_qemu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match="qemu-system-arm is not installed"):
        QemuLink(BOARD, Path("fw.elf"))


def test_board_without_a_machine() -> None:
    with pytest.raises(UsageError, match="names no machine of QEMU"):
        QemuLink(boards.load("nucleo-l4r5zi"), Path("fw.elf"))


@pytest.mark.slow
@pytest.mark.parametrize("board", [b for b in boards.shipped() if b.emulator and b.emulator.engine == "qemu"], ids=name)
def test_firmware_speaks_infers_and_is_counted(board: boards.Board) -> None:
    for program in (PROGRAM, "arm-none-eabi-gcc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    tensors = tuple(Tensor(i, f"t{i}", (1, 40), "int8", Quantization((1.0,), (0,))) for i in range(2))
    model = Model("copy", "0" * 64, 0, tensors, (), (0,), (1,))
    generated = FakeEngine().generate(model, Target(board.core), {})
    toolset = build.find_toolset(board)
    image = build.build_project(
        board, render(board, model, generated, benchmark=None, toolset=toolset), generated, toolset
    )
    link = open_image(board, image.path)
    try:
        dut = Dut(link, where="QEMU")
        assert dut.connect().build_id == image.build_id
        sent = bytes(range(100, 140))
        dut.download(sent)
        found = dut.infer(3, 1)
        link.write(b"infer 1000000 0%" + BURST * b"name%")
        names = b""
        while names.count(b"m-ready") <= BURST and (data := link.read(5.0)):
            names += data
    finally:
        link.close()
    assert names.count(b"m-name-dut-[tinyperf]") == BURST
    assert found is not None
    assert list(found.results) == [float(b - 256 if b > 127 else b) for b in sent]
    assert found.device_us is not None
    assert found.device_us >= 0
    cost = profile.profile(board, image.path, image, model)
    assert (cost.cycles_per_inference, cost.latency_ms, cost.error_percent) == (None, None, None)
    assert 10 < (cost.instructions_per_inference or 0) < 1000
    assert profile.counted(board, image.path, model)[0] == cost.instructions_per_inference
