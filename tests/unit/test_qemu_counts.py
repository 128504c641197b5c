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
from tinyperf.session.profile import counted
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
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    pytest.importorskip("capstone", reason="the extra 'virtual' is not installed")
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


AROUND = (
    "main",
    "tp_idle",
    "tp_serial",
    "tp_print",
    "tp_receive",
    "tp_uart0",
    "tp_time",
    "tp_timer",
    "tp_command",
    "tp_crc32",
)


def by_function(elf: Path, blocks: Blocks) -> Counter[str]:
    """Instructions in each function that an inference runs: without the waiting and printing around it."""
    functions = symbols(elf)
    starts = [address for address, _, _ in functions]
    counts: Counter[str] = Counter()
    for address, instructions, runs in blocks:
        at = bisect.bisect_right(starts, address) - 1
        start, size, name = functions[max(at, 0)]
        if start <= address < start + size and not name.startswith(AROUND):
            counts[name] += instructions * runs
    return counts


def infer(link: Link, sent: bytes, count: int) -> tuple[float, ...]:
    dut = Dut(link, where="an emulator")
    dut.connect()
    dut.download(sent)
    found = dut.infer(count, 0)
    assert found is not None
    return found.results


def under_qemu(board: str, elf: Path, plugin: Path, sent: bytes) -> tuple[tuple[float, ...], Counter[str]]:
    """Results, and instructions by function, of the second inference of two."""
    counts = []
    for count in (1, 2):
        out = plugin.with_suffix(f".{count}")
        link = QemuLink(boards.load(board), elf, plugin=f"{plugin},out={out}")
        try:
            results = infer(link, sent, count)
        finally:
            link.stop()
        blocks = [tuple(map(int, line.split())) for line in out.read_text().splitlines()]
        counts.append(by_function(elf, [(a, n, r) for a, n, r in blocks]))
    return results, counts[1] - counts[0]


def under_unicorn(board: str, elf: Path, sent: bytes) -> tuple[tuple[float, ...], Counter[str]]:
    """The same, by the virtual board's own account of every block that ran."""
    counts = []
    for count in (1, 2):
        link: Any = open_image(boards.load(board), elf)
        link.detailed = True
        runs: Counter[tuple[int, int]] = Counter()
        link.machine.observe_blocks(lambda address, instructions, _, runs=runs: runs.update([(address, instructions)]))
        results = infer(link, sent, count)
        link.close()
        counts.append(by_function(elf, [(a, n, times) for (a, n), times in runs.items()]))
    return results, counts[1] - counts[0]


PAIRS = {"mps2-an386": "nucleo-l4r5zi", "mps2-an500": "disco-f746ng", "mps2-an505": "nucleo-u575zi-q"}


@pytest.mark.slow
@pytest.mark.parametrize("qemu", PAIRS)
def test_outputs_and_instructions_are_equal(qemu: str, plugin: Path) -> None:
    shipped = content.names("models", ".tflite")
    if "ad" not in shipped:
        pytest.skip("no ad model is shipped")
    model = tflite.load(shipped["ad"])
    generator = np.random.default_rng(1)
    sent = generator.integers(-128, 128, model.input.elements, dtype=np.int8).tobytes()
    images = [
        build.build(boards.load(board), model, benchmark=None, engine="aot").path for board in (qemu, PAIRS[qemu])
    ]
    theirs, expected = under_qemu(qemu, images[0], plugin, sent)
    ours, found = under_unicorn(PAIRS[qemu], images[1], sent)
    assert ours == theirs
    assert expected.total() > 100_000
    assert found == expected


@pytest.mark.slow
@pytest.mark.parametrize("qemu", [*PAIRS, "mps3-an547"])
def test_a_count_by_the_guests_clock_is_that_of_a_plugin(qemu: str, plugin: Path) -> None:
    model = tflite.load(content.names("models", ".tflite")["ad"])
    image = build.build(boards.load(qemu), model, benchmark=None, engine="aot").path
    by_clock, _ = counted(boards.load(qemu), image, model)
    sent = bytes(model.input.elements)
    _, by_plugin = under_qemu(qemu, image, plugin, sent)
    assert by_clock == pytest.approx(by_plugin.total(), rel=1e-3)  # the loop around the inferences
