"""The drawings beside WIRING.md are what the board file and the instrument modules say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tinyperf import board, content

ROOT = Path(__file__).parents[2]
WIRED: dict[str, dict[str, str]] = {
    name: module.WIRING
    for name, path in content.names("energy", ".py").items()
    if hasattr(module := content.load_module("energy", path), "WIRING")
}


def test_drawing_again_gives_the_committed_files(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "wiring", tmp_path], check=True)
    made: dict[str, Any] = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in (ROOT / "energy").glob("*.svg")}
    assert set(made) == {f"wiring_{name}.svg" for name in WIRED}


@pytest.mark.parametrize("name", WIRED)
def test_every_pin_is_in_the_drawing_and_every_drawing_in_the_page(name: str) -> None:
    root = ET.parse(ROOT / "energy" / f"wiring_{name}.svg").getroot()  # noqa: S314  (our own file)
    shown = {"".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")}
    on = board.load("nucleo-l4r5zi").energy.wiring
    assert on is not None
    assert set(WIRED[name].values()) | {on.supply, on.ground, on.sends, on.receives} <= shown
    assert f"(wiring_{name}.svg)" in (ROOT / "energy" / "WIRING.md").read_text(encoding="utf-8")
