"""--clock: firmware that sets another clock, in every verb that builds, and the best of several."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import pytest

from tests.unit.test_fleet import WHOLE, network
from tinyperf import board as boards
from tinyperf import cli, content
from tinyperf.cli import _options
from tinyperf.errors import ContentError, UsageError
from tinyperf.firmware import build
from tinyperf.request import Request
from tinyperf.session import checks, choose, fleet
from tinyperf.session.choose import Content
from tinyperf.tflite import load

if TYPE_CHECKING:
    from pathlib import Path

NUCLEO = boards.load("nucleo-l4r5zi")


@pytest.mark.parametrize(
    ("text", "hertz"), [("80000000", 80_000_000), ("80M", 80_000_000), (" 64MHz", 64_000_000), ("4.5m", 4_500_000)]
)
def test_a_clock_in_words(text: str, hertz: int) -> None:
    assert _options.hertz(text) == hertz


@pytest.mark.parametrize("text", ["", "x", "1.5", "nan", "-5", "0", "1e12", "80G", "inf"])
def test_what_is_no_clock(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no clock"):
        _options.hertz(text)


@pytest.mark.parametrize("board", boards.shipped(), ids=lambda board: board.name)
def test_a_board_can_have_its_own_clock_and_those_of_its_chip(board: boards.Board) -> None:
    assert board.clock_hz in board.clocks
    assert board.at(board.clock_hz) == board
    assert [board.at(hz).clock_hz for hz in board.clocks] == board.clocks
    with pytest.raises(UsageError, match=f"{board.name} cannot run at 12.3457 MHz") as caught:
        board.at(12_345_678)
    assert f"{board.clock_hz / 1e6:g}" in caught.value.means


def test_a_board_file_with_a_clock_that_nothing_sets(tmp_path: Path) -> None:
    text = (content.shipped("boards") / "nucleo-l4r5zi.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text + "clock_hz: 90000000\n")
    with pytest.raises(ContentError, match="clock_hz: 90000000 cannot be set"):
        boards.load(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize("verb", ["build", "generate", "flash --virtual", "emulate", "profile", "run --virtual"])
def test_every_verb_that_builds_refuses_a_clock(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke([*verb.split(), "--board", "nucleo-l4r5zi", "--clock", "90M", "kws"]) == 2
    assert "nucleo-l4r5zi cannot run at 90 MHz" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["profile", "emulate", "run --virtual"])
def test_an_image_sets_its_own_clock(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fw.bin").write_bytes(bytes(64))
    words = [*verb.split(), "--board", "nucleo-l4r5zi", "--clock", "80M", "--image", str(tmp_path / "fw.bin")]
    assert cli.invoke(words) == 2
    assert "it sets its own clock" in capsys.readouterr().err.replace("an image sets", "it sets")
    with pytest.raises(UsageError, match="for firmware that is there already"):
        checks.check_request(Request("nucleo-l4r5zi", "kws", port="p", build=False, clock=80_000_000))


def test_the_clock_is_part_of_the_build_id(tmp_path: Path) -> None:
    model = load(network(tmp_path))
    ids = {
        build.prepare(board, model, benchmark=None, engine="aot", need=False)[0].build_id
        for board in (NUCLEO, NUCLEO.at(80_000_000), boards.load("nucleo-l4r5zi", 64_000_000))
    }
    assert len(ids) == 3


def test_the_best_clock_is_named() -> None:
    slow = replace(WHOLE, clock_hz=80_000_000, latency_ms=93.0, uj_per_inference=2000.0)
    none = replace(WHOLE, clock_hz=24_000_000, latency_ms=None, uj_per_inference=None)
    other = replace(WHOLE, board="two", uj_per_inference=None)
    assert [row.best for row in fleet.judged([WHOLE, slow, none, other])] == ["time", "energy", "", ""]
    better = replace(slow, latency_ms=1.0)
    assert [row.best for row in fleet.judged([WHOLE, better])] == ["", "time and energy"]


@pytest.mark.slow
@pytest.mark.parametrize("hertz", [24_000_000, 100_000_000])
def test_firmware_sets_clock_and_wait_states(hertz: int, tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    from tinyperf.device.dut import Dut
    from tinyperf.virtual.board import open_virtual

    board = NUCLEO.at(hertz)
    image = choose.image(board, Content(model=network(tmp_path)))
    link = open_virtual(board, image.path)
    try:
        assert Dut(link).connect().build_id == image.build_id
        assert link.clock_hz == hertz
        least = next(row.cycles for row in board.chip.wait_states if hertz <= row.up_to_hz)
        low_voltage = hertz <= 26_000_000  # RM0432, 3.3.3: 8 MHz a wait state in range 2
        assert link.machine.soc.clocks.flash_settings().wait_states == (2 if low_voltage else least)
    finally:
        link.close()
