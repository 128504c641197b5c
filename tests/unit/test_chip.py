"""Chips as files: each shipped one, faulty ones, one beside a board, one of a package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tinyperf import board, chip, cli, content
from tinyperf.errors import ContentError
from tinyperf.virtual.board.chips import memories
from tinyperf.virtual.board.cpu import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping

BAD = sorted((Path(__file__).parents[1] / "bad_chips").glob("*.yaml"))
SHIPPED = content.shipped("boards") / "chips"


def test_every_shipped_chip_is_read_and_used() -> None:
    chips = {name: chip.read(path) for name, path in chip.known().items()}
    assert set(chips) >= {"stm32l4r5", "stm32u575", "stm32f746", "an386", "host"}
    assert {b.chip.name for b in board.shipped()} == set(chips)


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_a_bad_file_is_refused_at_its_line(path: Path) -> None:
    lines = path.read_text().splitlines()
    expected = [(n, m[1]) for n, line in enumerate(lines, 1) if (m := re.search(r"# expect: (.*)", line))]
    with pytest.raises(ContentError) as caught:
        chip.read(path)
    assert expected
    for line, words in expected:
        assert f"{path}:{line}: {words}" in caught.value.seen


def mine(folder: Path, changes: Mapping[str, str], name: str = "mychip") -> Path:
    """A board in `folder` with a chip of its own beside it."""
    text = (SHIPPED / "stm32l4r5.yaml").read_text().replace("name: stm32l4r5", f"name: {name}")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "chips").mkdir()
    (folder / "chips" / f"{name}.yaml").write_text(text)
    path = folder / "mine.yaml"
    whole = (content.shipped("boards") / "nucleo-l4r5zi.yaml").read_text()
    path.write_text(whole.replace("chip: stm32l4r5", f"chip: {name}"))
    return path


def test_a_chip_may_lie_beside_its_board(tmp_path: Path) -> None:
    found = board.load(
        str(mine(tmp_path, {"bytes: 2097152": "bytes: 524288", "clock_hz: 120000000": "clock_hz: 80000000"}))
    )
    assert found.memory
    assert (found.chip.name, found.clock_hz, found.memory.flash.bytes) == ("mychip", 80_000_000, 524_288)
    assert (found.mcu, found.part) == ("mychip", "STM32L4R5ZIT6")


def test_a_board_whose_chip_has_an_unknown_core_ends_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = mine(tmp_path, {"core: cortex-m4": "core: cortex-m44"})
    assert cli.invoke(["build", "--board", str(path), "kws"]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path}/chips/mychip.yaml:4: core: unknown core 'cortex-m44', did you mean cortex-m4?" in said


def test_a_chip_nobody_has_written_peripherals_for(tmp_path: Path) -> None:
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    from tinyperf.virtual.board import open_virtual

    image = tmp_path / "image.bin"
    image.write_bytes(bytes(64))
    path = mine(tmp_path, {})
    with pytest.raises(ContentError, match="cannot play chip 'mychip': there are no peripherals for 'mychip'"):
        open_virtual(board.load(str(path)), image)
    text = (tmp_path / "chips" / "mychip.yaml").read_text()
    (tmp_path / "chips" / "mychip.yaml").write_text(
        text.replace("  engine: unicorn", "  engine: unicorn\n  module: stm32l4r5")
    )
    open_virtual(board.load(str(path)), image).close()


def test_a_package_may_bring_a_chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, info = tmp_path / "acmechips", tmp_path / "acmechips-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acmechips\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tinyperf.chips]\nacme1 = acmechips.acme1\n")
    (package / "__init__.py").touch()
    (package / "acme1.py").write_text("from tinyperf.virtual.board.chips.stm32l4r5 import build\n")
    (package / "acme1.yaml").write_text(
        (SHIPPED / "stm32l4r5.yaml").read_text().replace("name: stm32l4r5", "name: acme1")
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert chip.load("acme1").core.name == "cortex-m4"
    whole = (content.shipped("boards") / "nucleo-l4r5zi.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(whole.replace("chip: stm32l4r5", "chip: acme1"))
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    from tinyperf.virtual.board import open_virtual

    (tmp_path / "image.bin").write_bytes(bytes(64))
    open_virtual(board.load(str(tmp_path / "mine.yaml")), tmp_path / "image.bin").close()


def test_neighbouring_blocks_are_one_piece_of_memory() -> None:
    kib = 1 << 10
    assert memories(chip.load("stm32u575").memories) == (
        Memory(0x0800_0000, 2 << 20, writable=False, aliases=((0x0C00_0000, 0, 2 << 20),)),
        Memory(0x0BF9_0000, 128 * kib, writable=False),
        Memory(0x2000_0000, 768 * kib, aliases=((0x0A00_0000, 0, 768 * kib),)),
        Memory(0x2800_0000, 16 * kib),
    )
    assert memories(chip.load("stm32l4r5").memories) == (
        Memory(0x0800_0000, 2 << 20, writable=False, aliases=((0x0000_0000, 0, 2 << 20),)),
        Memory(0x1FFF_0000, 64 * kib, writable=False),
        Memory(0x2000_0000, 640 * kib, aliases=((0x1000_0000, 192 * kib, 64 * kib),)),
    )


def test_the_regions_of_a_framework_are_all_ram_in_one_piece() -> None:
    nucleo = board.load("nucleo-l4r5zi")
    core = board.PlatformIO(platform="ststm32@19.6.0", board="nucleo_l4r5zi", framework="arduino")
    own, arduino = nucleo.memory, nucleo.model_copy(update={"platformio": core}).memory
    assert own
    assert arduino
    assert (own.ram.bytes, own.arena) == (640 << 10, None)
    assert (arduino.ram.bytes, arduino.arena) == (640 << 10, None)


def test_power_figures_hold_only_where_the_chip_makes_its_voltage() -> None:
    plain, with_a_converter = board.load("nucleo-l4r5zi"), board.load("nucleo-l4r5zi-p")
    figures = plain.chip.power
    assert figures is not None
    assert plain.power(foreign=False) == plain.power(foreign=True) == with_a_converter.power(foreign=False) == figures
    assert with_a_converter.power(foreign=True) == with_a_converter.energy.power != figures
