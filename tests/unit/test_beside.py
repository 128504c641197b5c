"""Firmwares side by side: what they are told by, operators that several know, and one that cannot be had."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.graphs import dense
from tinyperf import board as boards
from tinyperf import cli
from tinyperf.cli import _beside_table
from tinyperf.errors import UsageError
from tinyperf.session import beside
from tinyperf.session.beside import Beside, Side
from tinyperf.session.choose import Content
from tinyperf.session.costs import LayerCost
from tinyperf.session.profile import Profile

if TYPE_CHECKING:
    from pathlib import Path

CONV = LayerCost(0, "CONV_2D", 1000, 1500, 2000, "conv", "conv_0", 64)
LAID = LayerCost(2, "CONV_2D", 0, 90, 100, "laid", "laid_2", 0)
SECOND = LayerCost(2, "CONV_2D", 500, 900, 1000, "conv", "conv_2", 64)
FIRST = Profile(
    "one", "kws01", 120_000_000, 1600, 3100, (CONV, LAID, SECOND), 64, 128, 256, None, None, 1.0, 7.0, None, None
)
SIDES = (
    Side("aot", FIRST),
    Side("aot:fold=off", replace(FIRST, cycles_per_inference=6200, layers=(replace(CONV, cycles=5000),))),
    Side("x.hex", replace(FIRST, layers=(), arena_bytes=None)),
    Side("tflm", None, "it is not on this machine", "'tinyperf tflm use PATH' registers a tree"),
)


def test_operators_are_matched_and_their_nodes_added_up() -> None:
    found = beside.operators(SIDES)
    assert [(one.index, one.macs, one.cycles) for one in found] == [
        (0, 1000, (2000, 5000, None, None)),
        (2, 500, (1100, None, None, None)),
    ]
    assert beside.operators(SIDES[2:]) == ()


def test_a_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = Beside(SIDES, beside.operators(SIDES))
    _beside_table.show(found, as_json=False)
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines()]
    assert rows[2][:4] == ["aot:fold=off", "1.000", "2.00", "6,200"]
    assert rows[4][:3] == ["tflm", "-", "-"]
    assert ["0", "CONV_2D", "1,000", "2,000", "5,000", "2.50"] in rows
    assert "tflm: it is not on this machine; 'tinyperf tflm use PATH'" in text
    _beside_table.show(found, as_json=True)
    assert json.loads(capsys.readouterr().out)["sides"][1]["profile"]["cycles_per_inference"] == 6200


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (["--compare", "nosuch.hex"], "image nosuch.hex does not exist"),
        (["--compare", "nosuch"], "unknown engine 'nosuch'"),
        (["--compare", "aot:fol=off"], "has no option 'fol'"),
        (["--compare", "aot", "--csv", "x.csv"], "leave --csv out"),
        (["--compare", "aot", "--clock", "all"], "leave --clock out"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(
    others: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.invoke(["profile", "--board", "nucleo-l4r5zi", "kws", *others]) == UsageError.exit_code
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_an_engine_an_option_and_an_image(tmp_path: Path) -> None:
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    model = tmp_path / "dense.tflite"
    model.write_bytes(dense())
    (tmp_path / "bad.hex").write_text("no firmware")
    board = boards.load("nucleo-l4r5zi")
    found = beside.beside(board, Content(model=model), None, ["aot:fold=off", str(tmp_path / "bad.hex")])
    first, second, third = found.sides
    assert first.profile
    assert second.profile
    assert first.profile.cycles_per_inference == second.profile.cycles_per_inference
    assert (third.profile, "is not Intel hex" in third.reason) == (None, True)
    assert [one.op for one in found.operators] == ["FULLY_CONNECTED"]
