from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinyperf import api, board
from tinyperf.errors import ContentError, UsageError

BAD = sorted((Path(__file__).parent.parent / "bad_boards").glob("*.yaml"))


def test_every_shipped_board_is_read_and_named_after_its_file() -> None:
    assert {b.name for b in api.boards()} >= {"nucleo-l4r5zi", "host"}


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_a_bad_file_is_refused_at_its_line(path: Path) -> None:
    expected = [
        (n, m[1])
        for n, line in enumerate(path.read_text().splitlines(), 1)
        if (m := re.search(r"# expect: (.*)", line))
    ]
    with pytest.raises(ContentError) as caught:
        board.read(path)
    for line, words in expected:
        assert f"{path}:{line}: {words}" in caught.value.seen


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param("title: ST NUCLEO-L4R5ZI", "? [a, b]\n: c", ":3: a list or table as a key", id="key"),
        pytest.param("title: ST NUCLEO-L4R5ZI", "title: 2026-13-01", "month must be in 1..12", id="no date"),
        pytest.param("title: ST NUCLEO-L4R5ZI", "title: " + "[" * 1500, ".yaml", id="brackets without end"),
        pytest.param("part: STM32L4R5ZIT6", "clock_hz: -5", ":6: clock_hz: input should be greater", id="clock"),
        pytest.param("baud: 115200", "baud: 5000000000", "serial.baud: input should be less", id="baud"),
        pytest.param('"0483:374b"', '"0483"', "serial.usb.0: string should match", id="usb"),
        pytest.param("part: STM32L4R5ZIT6", 'mcu: "m4\\nextra"', "mcu: string should match", id="mcu of two lines"),
        pytest.param("timestamp_pin: PF13", "timestamp_pin: PF99", "timestamp_pin: PF99", id="pin"),
        pytest.param("timestamp_pin: PF13 ", "# ", "timestamp_pin: missing", id="no pin"),
        pytest.param("  baud: 115200", "  tx: PG99\n  rx: GP1", "serial.tx: PG99, serial.rx: GP1", id="serial pins"),
        pytest.param(
            "chip: stm32l4r5", "chip: nrf52840", "serial.tx: missing, serial.rx: missing", id="no serial pins"
        ),
    ],
)
def test_what_would_end_in_the_compiler_is_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "boards" / "nucleo-l4r5zi.yaml").read_text()
    assert old in text
    (tmp_path / "mine.yaml").write_text(text.replace(old, new))
    with pytest.raises(ContentError) as caught:
        board.read(tmp_path / "mine.yaml")
    assert words in caught.value.seen


def test_an_unknown_board_is_told_with_the_closest_name() -> None:
    with pytest.raises(UsageError, match="unknown board 'nucleo-l4r5z'") as caught:
        board.load("nucleo-l4r5z")
    assert "did you mean 'nucleo-l4r5zi'?" in caught.value.hint


def test_a_missing_board_file_is_told_by_its_path() -> None:
    with pytest.raises(UsageError, match=r"board file \./none\.yaml does not exist"):
        board.load("./none.yaml")
