"""The cycle model against the examples of the Cortex-M TRMs (DDI 0337 and 0439, "Load/store timings")."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tinyperf import chip
from tinyperf.cores.m4 import CORE as M4_CORE
from tinyperf.virtual.board.cycles import miss
from tinyperf.virtual.board.decode import Decoder

if TYPE_CHECKING:
    from pathlib import Path

assert M4_CORE.pipeline
M4 = M4_CORE.pipeline


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
    block = Decoder(M4, 32).block(0x08000000, code(tmp_path, text))
    assert block.prices[-1] == cycles


def test_the_address_of_a_load_is_followed_through_the_block(tmp_path: Path) -> None:
    text = "ldr r0, [r1], #8\nldrb r2, [r1, #3]\nadd r3, r4, #16\nldrh r5, [r3, r6, lsl #1]\nldr r7, [r0]"
    loads = Decoder(M4, 32).block(0x08000000, code(tmp_path, text)).loads
    assert [(one.base, one.index, one.shift, one.offset, one.bytes) for one in loads] == [
        (1, -1, 0, 0, 4),
        (1, -1, 0, 11, 1),
        (4, 6, 1, 16, 2),
    ]  # the last one's address was loaded in the same block: not known


@pytest.mark.parametrize(
    ("sequential", "of_code", "cycles"),
    [(False, True, 13), (True, True, 5), (False, False, 13), (True, False, 10)],
)
def test_a_missing_line_costs_flash_reads(sequential: bool, of_code: bool, cycles: int) -> None:
    caches = chip.load("stm32l4r5").caches
    assert caches
    assert miss(caches, 5, sequential=sequential, code=of_code) == cycles
