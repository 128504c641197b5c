"""One model on many boards: rows that never end the others, their order, and what the table, file and picture show."""

from __future__ import annotations

import csv
import json
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests import graphs
from tinyperf import board as boards
from tinyperf import cli, content
from tinyperf.cli import _boards_table
from tinyperf.errors import ModelError, UsageError
from tinyperf.session import fleet, fleet_picture
from tinyperf.session.choose import Content
from tinyperf.session.fleet import Row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHOLE = Row(
    board="one",
    title="One",
    core="cortex-m4",
    verified="emulated",
    clock_hz=120_000_000,
    fits=True,
    latency_ms=62.375,
    error_percent=7.0,
    uj_per_inference=2516.1,
    energy_error_percent=None,
    instructions_per_inference=5_013_187,
    cycles_per_inference=7_485_023,
    ram_bytes=25_556,
    flash_bytes=48_388,
)
COUNTED = Row("two", "Two", "cortex-m55", "emulated", 25_000_000, fits=True, instructions_per_inference=4_000_000)
TOO_SMALL = Row("three", "Three", "cortex-m0plus", "emulated", 64_000_000, fits=False, reason="the arena is too large")


def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    _boards_table.show([WHOLE, COUNTED, TOO_SMALL], "kws", as_json=False, csv=None, plot=None)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split("  ")[0] == "one"
    assert "62.375 ±7 %" in lines[1]
    assert "2516.1 error not measured" in lines[1]
    assert "- (4,000,000 instructions)" in lines[2]
    assert lines[3].endswith("no: the arena is too large")


def test_a_table_as_a_file_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _boards_table.show([WHOLE, TOO_SMALL], "kws", as_json=True, csv=tmp_path / "b.csv", plot=None)
    with (tmp_path / "b.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["board"] for row in rows] == ["one", "three"]
    assert (rows[0]["latency_ms"], rows[0]["energy_error_percent"], rows[1]["fits"]) == ("62.375", "", "False")
    assert [Row(**row) for row in json.loads(capsys.readouterr().out)] == [WHOLE, TOO_SMALL]


def test_a_picture_says_what_is_not_known() -> None:
    ms, uj, ram, flash = fleet_picture.panels([WHOLE, COUNTED, TOO_SMALL])
    assert ms.labels == ["62.4 ±7 %", "no estimate", "does not fit"]
    assert ms.errors == pytest.approx([4.36625, 0, 0])
    assert (uj.labels[0], uj.errors[0]) == ("2516 error not measured", 0.0)
    assert (ram.values, flash.labels) == ([25.556, 0.0, 0.0], ["48.4", "", ""])


@pytest.mark.slow
def test_a_picture_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")
    pytest.importorskip("plotly", reason="the extra 'plot' is not installed")
    for name in ("b.png", "b.html"):
        assert fleet_picture.draw([WHOLE, COUNTED, TOO_SMALL], "kws", tmp_path / name).stat().st_size > 10_000
    with pytest.raises(UsageError, match=r"a picture is \.png or \.html"):
        fleet_picture.draw([WHOLE], "kws", tmp_path / "b.pdf")


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("--board all --image fw.bin kws", "--image makes no sense here"),
        ("--board all --energy kws", "--energy makes no sense here"),
        ("--board nucleo-l4r5zi,nucleo-l4r5z kws", "unknown board 'nucleo-l4r5z'"),
        ("--board all", "neither a benchmark nor a model is given"),
        ("--board all --engine none kws", "unknown engine 'none'"),
    ],
)
def test_what_makes_no_sense_is_refused(words: str, seen: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["profile", *words.split()]) == 2
    assert seen in capsys.readouterr().err


def small_board(folder: Path) -> str:
    """A board of 4 KB of flash and 16 KB of RAM."""
    text = (content.shipped("boards") / "chips" / "stm32l4r5.yaml").read_text()
    for old, new in (("stm32l4r5\n", "small\n"), ("bytes: 2097152", "bytes: 4096"), ("196608", "16384")):
        assert old in text
        text = text.replace(old, new)
    (folder / "chips").mkdir()
    (folder / "chips" / "small.yaml").write_text(text.replace("ram: [sram1, sram2, sram3]", "ram: sram1"))
    board = (content.shipped("boards") / "nucleo-l4r5zi.yaml").read_text()
    path = folder / "small.yaml"
    path.write_text(
        board.replace("chip: stm32l4r5", f"chip: small\nmcu: {boards.load('nucleo-l4r5zi').mcu}").replace(
            "name: nucleo-l4r5zi", "name: small"
        )
    )
    return str(path)


def network(folder: Path, kind: str = "RELU", width: int = 64) -> Path:
    tensors = [graphs.T((1, width), 0.5, 3), graphs.T((1, width), 0.5, 3)]
    path = folder / f"{kind}{width}.tflite"
    path.write_bytes(graphs.build(tensors, [graphs.O(kind, [0], [1])], [0], [1]))
    return path


def test_a_model_too_large_is_a_row(tmp_path: Path) -> None:
    found = fleet.table([boards.load(small_board(tmp_path))], Content(model=network(tmp_path, width=20_000)), jobs=1)
    assert [(row.board, row.fits) for row in found] == [("small", False)]
    assert "the model needs" in found[0].reason


def test_a_model_that_the_engine_refuses_is_no_table(tmp_path: Path) -> None:
    model = tmp_path / "odd.tflite"
    tensors = [graphs.T((1, 4), 0.5, 3), graphs.T((1, 4), 0.25, 3)]
    model.write_bytes(graphs.build(tensors, [graphs.O("ROUND", [0], [1])], [0], [1]))
    with pytest.raises(ModelError):
        fleet.table([boards.load("nucleo-l4r5zi")], Content(model=model), jobs=1)


@pytest.mark.slow
def test_one_process_that_dies_is_one_row() -> None:
    class Deadly:
        def __reduce__(self) -> tuple[Callable[[int], Any], tuple[int]]:
            return os._exit, (9,)

    board: Any = boards.load("nucleo-l4r5zi")
    wanted: Any = Deadly()
    assert "ended without a word" in fleet.Apart().row(board, wanted, None).reason


@pytest.mark.slow
def test_boards_side_by_side(tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    chosen = [boards.load(small_board(tmp_path)), boards.load("nucleo-l4r5zi")]
    told: list[tuple[int, int]] = []
    found = fleet.table(
        chosen, Content(model=network(tmp_path)), jobs=2, progress=lambda _, done, of: told.append((done, of))
    )
    assert [(row.board, row.fits) for row in found] == [("nucleo-l4r5zi", True), ("small", False)]
    whole, small = found
    assert "take" in small.reason
    assert "more than the FLASH has" in small.reason
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert whole.cycles_per_inference
    assert whole.latency_ms == pytest.approx(whole.cycles_per_inference / 120e3)
    assert whole.error_percent == 7.0
    assert whole.uj_per_inference
    again = fleet.table(chosen[1:], Content(model=network(tmp_path)), jobs=1)
    assert again == [replace(whole)]
