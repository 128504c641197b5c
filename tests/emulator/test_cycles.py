"""The cycle model against the examples of the Cortex-M TRMs (DDI 0337 and 0439, "Load/store timings")."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tinyperf import chip, cores
from tinyperf.errors import UsageError
from tinyperf.virtual.board.decode import Disassembler, loads
from tinyperf.virtual.board.memory_system import memory_system
from tinyperf.virtual.board.pipelines import cycle_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def code(folder: Path, text: str) -> bytes:
    if shutil.which("arm-none-eabi-as") is None:
        pytest.skip("arm-none-eabi-as is not installed")
    pytest.importorskip("capstone", reason="the extra 'virtual' is not installed")
    source, obj, raw = folder / "a.s", folder / "a.o", folder / "a.bin"
    source.write_text(".syntax unified\n.cpu cortex-m4\n.fpu fpv4-sp-d16\n.thumb\n" + text + "\n", encoding="ascii")
    subprocess.run(["arm-none-eabi-as", source, "-o", obj], check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", obj, raw], check=True)
    return raw.read_bytes()


PRICES = [
    pytest.param("adds r0, r1, r2\nmul r0, r1, r2\nsmlad r3, r0, r1, r3", 3, id="data-processing-is-one-each"),
    pytest.param("ldr r0, [r1]", 2, id="a-load-alone"),
    pytest.param("ldr r0, [r1]\nldr r1, [r2]", 3, id="trm-two-loads"),
    pytest.param("ldr r0, [r1, r2]\nstr r0, [r3, #20]", 3, id="trm-load-then-store-of-it"),
    pytest.param("ldr r0, [r1, r2]\nstr r1, [r3, r2]", 3, id="trm-load-then-store-with-register-offset"),
    pytest.param("ldr r0, [r1, r5]\nldr r1, [r2]\nldr r2, [r3, #4]", 4, id="trm-three-loads"),
    pytest.param("ldr r0, [r1]\nldr r2, [r0]", 4, id="an-address-that-was-just-loaded-is-not-pipelined"),
    pytest.param("str r0, [r1, #4]", 1, id="a-store-with-immediate-offset"),
    pytest.param("str r0, [r1, r2]", 2, id="a-store-with-register-offset"),
    pytest.param("str r0, [r1]\nldr r2, [r3]", 3, id="nothing-is-pipelined-behind-a-store"),
    pytest.param("ldrd r0, r1, [r2]", 3, id="trm-ldrd"),
    pytest.param("ldmia r0, {r1, r2, r3}", 4, id="trm-three-element-ldm"),
    pytest.param("push {r4, r5, lr}", 4, id="push"),
    pytest.param("adds r1, #4\nldr r0, [r1]", 4, id="trm-address-from-the-instruction-before"),
    pytest.param("ldr r0, [r1], #4\nldr r2, [r3], #4", 3, id="post-indexed-loads-pipeline"),
    pytest.param("ldr r0, [r1]\nsxtb16 r2, r0, ror #8", 4, id="a-loaded-value-rotated-at-once"),
    pytest.param("ldr r0, [r1]\nsxtb16 r2, r0", 3, id="a-loaded-value-extended-at-once"),
    pytest.param("vmla.f32 s0, s1, s2\nvadd.f32 s3, s4, s5", 4, id="floating-point"),
    pytest.param("vdiv.f32 s0, s1, s2\nvldr s3, [r0]", 16, id="floating-point-division-and-load"),
    pytest.param("vpush {d8, d9}", 5, id="double-registers-are-two-words"),
]


@pytest.mark.parametrize(("text", "cycles"), PRICES)
def test_prices(tmp_path: Path, text: str, cycles: int) -> None:
    block = Disassembler().instructions(0x08000000, code(tmp_path, text))
    assert cycle_model(cores.load("cortex-m4")).price(block)[-1] == cycles


def test_the_address_of_a_load_is_followed_through_the_block(tmp_path: Path) -> None:
    text = "ldr r0, [r1], #8\nldrb r2, [r1, #3]\nadd r3, r4, #16\nldrh r5, [r3, r6, lsl #1]\nldr r7, [r0]"
    followed = loads(Disassembler().instructions(0x08000000, code(tmp_path, text)))
    assert [(one.base, one.index, one.shift, one.offset, one.bytes) for one in followed] == [
        (1, -1, 0, 0, 4),
        (1, -1, 0, 11, 1),
        (4, 6, 1, 16, 2),
    ]  # the last one's address was loaded in the same block: not known


@pytest.mark.parametrize(
    ("lines", "cycles"),
    [
        pytest.param([[7]], [13], id="a-missing-line-takes-two-reads-and-the-restart"),
        pytest.param([[7], [8]], [13, 5], id="of-the-next-line-the-prefetch-has-one-read-done"),
        pytest.param([[7], [7]], [13, 0], id="a-line-that-is-there"),
        pytest.param([range(33), [0]], [13 + 32 * 5, 13], id="the-oldest-of-32-lines-goes"),
    ],
)
def test_code_waits_for_flash(lines: list[Sequence[int]], cycles: list[int]) -> None:
    memory = memory_system(chip.load("stm32l4r5"), lambda: 5)
    assert [memory.fetch(some) for some in lines] == cycles


def test_data_waits_for_flash_and_never_for_ram() -> None:
    memory = memory_system(chip.load("stm32l4r5"), lambda: 5)
    assert [memory.read([line]) for line in (7, 8, 7, 20)] == [13, 10, 0, 13]
    assert memory.lines(0x0800_001E, 4) == (0x0040_0000, 0x0040_0001)
    assert memory.lines(0x2000_0000, 4) == ()


def test_one_cache_for_code_and_data() -> None:
    memory = memory_system(chip.load("stm32u575"), lambda: 4)
    assert (memory.fetch([7]), memory.read([7]), memory.read([8])) == (7, 0, 7)


def test_what_nobody_has_modelled_is_refused() -> None:
    with pytest.raises(UsageError, match="nobody has modelled the pipeline of the Arm Cortex-M7 yet"):
        cycle_model(cores.load("cortex-m7"))
    with pytest.raises(UsageError, match="nobody has described the flash of the STM32F746 yet"):
        memory_system(chip.load("stm32f746"), lambda: 7)
