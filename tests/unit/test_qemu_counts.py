"""Two emulators that know nothing of each other: the same outputs, and the same instructions in the model's code."""

from __future__ import annotations

import bisect
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tinyperf import board as boards
from tinyperf import content, tflite
from tinyperf.device.dut import Dut
from tinyperf.firmware import build
from tinyperf.virtual.board.qemu import PROGRAM, QemuLink
from tinyperf.virtual.connect import open_image

if TYPE_CHECKING:
    from tinyperf.device.link import Link

PLUGIN = Path(__file__).parents[1] / "qemu_plugin" / "count.c"
Blocks = list[tuple[int, int, int]]
"""(address, instructions, runs) of each translation block."""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    for program in (PROGRAM, "arm-none-eabi-gcc", "cc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    pytest.importorskip("unicorn")
    pytest.importorskip("capstone")
    library = tmp_path / "count.so"
    flags = ("-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")
    subprocess.run(["cc", *flags, "-o", library, PLUGIN], check=True)
    return library


def symbols(elf: Path) -> list[tuple[int, int, str]]:
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        found = [s for s in table.iter_symbols() if s["st_info"]["type"] == "STT_FUNC" and s["st_size"]]
        return sorted((s["st_value"] & ~1, s["st_size"], s.name) for s in found)


def by_layer(elf: Path, blocks: Blocks) -> Counter[str]:
    """Instructions in each function of the model."""
    functions = symbols(elf)
    starts = [address for address, _, _ in functions]
    counts: Counter[str] = Counter()
    for address, instructions, runs in blocks:
        at = bisect.bisect_right(starts, address) - 1
        start, size, name = functions[max(at, 0)]
        if start <= address < start + size and name.startswith("tp_layer_"):
            counts[name] += instructions * runs
    return counts


def infer(link: Link, sent: bytes, count: int) -> tuple[float, ...]:
    dut = Dut(link, where="an emulator")
    dut.connect()
    dut.download(sent)
    found = dut.infer(count, 0)
    assert found is not None
    return found.results


def under_qemu(elf: Path, plugin: Path, sent: bytes, count: int) -> tuple[tuple[float, ...], Counter[str]]:
    out = plugin.with_suffix(f".{count}")
    link = QemuLink(boards.load("mps2-an386"), elf, plugin=f"{plugin},out={out}")
    try:
        results = infer(link, sent, count)
    finally:
        link.stop()
    blocks = [tuple(map(int, line.split())) for line in out.read_text().splitlines()]
    return results, by_layer(elf, [(a, n, r) for a, n, r in blocks])


def under_unicorn(elf: Path, sent: bytes) -> tuple[tuple[float, ...], Counter[str]]:
    """Counted as `tinyperf profile` does: by the virtual board's own account of every block that ran."""
    link: Any = open_image(boards.load("nucleo-l4r5zi"), elf)
    link.detailed = True
    runs: Counter[tuple[int, int]] = Counter()
    link.machine.observe_blocks(lambda address, instructions, _: runs.update([(address, instructions)]))
    results = infer(link, sent, 1)
    link.close()
    return results, by_layer(elf, [(a, instructions, n) for (a, instructions), n in runs.items()])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kws", "ad"])
def test_outputs_and_instructions_are_equal(name: str, plugin: Path) -> None:
    shipped = content.names("models", ".tflite")
    if name not in shipped:
        pytest.skip(f"no {name} model is shipped")
    model = tflite.load(shipped[name])
    generator = np.random.default_rng(1)
    sent = generator.integers(-128, 128, model.input.elements, dtype=np.int8).tobytes()
    elves = [
        build.build(boards.load(board), model, benchmark=None, engine="aot").path
        for board in ("mps2-an386", "nucleo-l4r5zi")
    ]
    results_1, counts_1 = under_qemu(elves[0], plugin, sent, 1)
    results_2, counts_2 = under_qemu(elves[0], plugin, sent, 2)
    results, counts = under_unicorn(elves[1], sent)
    assert results_1 == results_2 == results
    qemu = counts_2 - counts_1
    assert sum(counts.values()) > 100_000
    assert sum(qemu.values()) == pytest.approx(sum(counts.values()), rel=0.001)
    # Not to the instruction: a block that an interrupt cuts is booked again from the cut (14 of 569,339 seen).
    assert {layer: qemu[layer] for layer in counts} == pytest.approx(dict(counts), rel=1e-4)
