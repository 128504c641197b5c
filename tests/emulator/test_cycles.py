"""The cycle models against the TRMs' examples (DDI 0337 and 0439, "Load/store timings") and others' measurements."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tinyperf import chip, cores
from tinyperf.errors import UsageError
from tinyperf.virtual.board.decode import Disassembler, groups
from tinyperf.virtual.board.memory import memory_system
from tinyperf.virtual.board.memory.fetch_buffer import Buffer, Held
from tinyperf.virtual.board.memory.system import FlashSettings, Touched
from tinyperf.virtual.board.pipelines import cycle_model
from tinyperf.virtual.board.pipelines.model import Fetch, Walk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tinyperf.virtual.board.decode import Instruction


def code(folder: Path, text: str) -> bytes:
    if shutil.which("arm-none-eabi-as") is None:
        pytest.skip("arm-none-eabi-as is not installed")
    pytest.importorskip("capstone", reason="the extra 'virtual' is not installed")
    source, obj, raw = folder / "a.s", folder / "a.o", folder / "a.bin"
    source.write_text(".syntax unified\n.cpu cortex-m33\n.fpu fpv5-sp-d16\n.thumb\n" + text + "\n", encoding="ascii")
    subprocess.run(["arm-none-eabi-as", source, "-o", obj], check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", obj, raw], check=True)
    return raw.read_bytes()


def walk(core: str, block: list[Instruction], places: Mapping[int, int] | None = None) -> Walk:
    """From a branch's landing."""
    model = cycle_model(
        cores.load(core), chip.load("stm32l4r5").memories, memory_system(chip.load("stm32l4r5"), settings)
    )
    return model.walk(block, model.landed, places or {})


def price(core: str, folder: Path, before: str, text: str, places: Mapping[int, int] | None = None) -> int:
    """Cycles of `text` behind `before`."""
    whole = Disassembler().instructions(0x08000000, code(folder, before + text))
    cycles = walk(core, whole, places).cycles
    return cycles[-1] - cycles[before.count("\n")]


FULL = "nop\n" * 4
"""Behind it the queue is full."""
PRICES = [
    pytest.param("adds r0, r1, r2\nmul r0, r1, r2\nsmlad r3, r0, r1, r3", 3, id="data-processing-is-one-each"),
    pytest.param("ldr r0, [r1]", 2, id="a-load-alone"),
    pytest.param("ldr r0, [r1]\nldr r1, [r2]", 3, id="trm-two-loads"),
    pytest.param("ldr r0, [r1, r2]\nstr r0, [r3, #20]", 3, id="trm-load-then-store-of-it"),
    pytest.param("ldr r0, [r1, r2]\nstr r1, [r3, r2]", 3, id="trm-load-then-store-with-register-offset"),
    pytest.param("ldr r0, [r1, r5]\nldr r1, [r2]\nldr r2, [r3, #4]", 4, id="trm-three-loads"),
    pytest.param("ldr r0, [r1]\nldr r2, [r0]", 5, id="an-address-that-was-just-loaded-waits"),
    pytest.param("str r0, [r1, #4]", 1, id="a-store-with-immediate-offset"),
    pytest.param("str r0, [r1, r2]", 2, id="a-store-with-register-offset"),
    pytest.param("str r0, [r1]\nldr r2, [r3]", 4, id="a-load-behind-a-store-waits"),
    pytest.param("ldrd r0, r1, [r2]", 3, id="trm-ldrd"),
    pytest.param("ldmia r0, {r1, r2, r3}", 4, id="trm-three-element-ldm"),
    pytest.param("push {r4, r5, lr}", 4, id="push"),
    pytest.param("adds r1, #4\nldr r0, [r1]", 4, id="trm-address-from-the-instruction-before"),
    pytest.param("ldr r0, [r1], #4\nldr r2, [r3], #4", 3, id="post-indexed-loads-pipeline"),
    pytest.param("ldr r0, [r1, #4]!\nadds r2, #1", 4, id="a-pre-indexed-load-that-no-load-follows"),
    pytest.param("ldr r0, [r1]\nsxtb16 r2, r0, ror #8", 3, id="a-loaded-value-rotated-at-once"),
    pytest.param("vmla.f32 s0, s1, s2\nvadd.f32 s3, s4, s5", 4, id="floating-point"),
    pytest.param("vdiv.f32 s0, s1, s2\nvldr s3, [r0]", 16, id="floating-point-division-and-load"),
    pytest.param("vpush {d8, d9}", 5, id="double-registers-are-two-words"),
]


@pytest.mark.parametrize(("text", "cycles"), PRICES)
def test_prices_of_the_cortex_m4(tmp_path: Path, text: str, cycles: int) -> None:
    assert price("cortex-m4", tmp_path, FULL, text) == cycles


FLASH, SRAM1, SRAM3 = 0x0801_0000, 0x2000_0000, 0x2004_0000
TWO_LOADS = "ldr r0, [r1]\nldr r2, [r3]"
PLACES = [
    pytest.param(TWO_LOADS, (SRAM1, SRAM1), 3, id="one-memory"),
    pytest.param(TWO_LOADS, (SRAM1, SRAM3), 4, id="two-memories"),
    pytest.param(TWO_LOADS, (FLASH, SRAM1), 4, id="flash-and-ram"),
    pytest.param("ldr r0, [r1]", (SRAM1 + 2,), 3, id="a-word-at-a-halfword"),
    pytest.param("ldr r0, [r1]", (SRAM1 + 1,), 4, id="a-word-at-a-byte"),
    pytest.param("ldrh r0, [r1]", (SRAM1 + 3,), 3, id="a-halfword-at-a-byte"),
    pytest.param("ldrh r0, [r1]", (SRAM1 + 2,), 2, id="a-halfword-in-its-place"),
    pytest.param("str r0, [r1]", (SRAM1 + 1,), 1, id="a-store-waits-in-the-write-buffer"),
]


@pytest.mark.parametrize(("text", "places", "cycles"), PLACES)
def test_where_loads_go_on_the_cortex_m4(tmp_path: Path, text: str, places: tuple[int, ...], cycles: int) -> None:
    assert price("cortex-m4", tmp_path, FULL, text, dict(enumerate(places, 4))) == cycles


ALONE = {"queue": 0, "buses": 0, "branches": 0, "operands": 0, "flash_code": 0, "flash_data": 0}
CAUSES = [
    pytest.param("cortex-m4", "adds r0, #1\nldr r1, [r2]", (), {}, id="m4-work-alone"),
    pytest.param("cortex-m4", TWO_LOADS, (SRAM1, SRAM1), {}, id="m4-one-memory"),
    pytest.param("cortex-m4", TWO_LOADS, (SRAM1, SRAM3), {"buses": 1}, id="m4-two-memories"),
    pytest.param("cortex-m4", "ldr r0, [r1]", (SRAM1 + 1,), {"buses": 2}, id="m4-not-aligned"),
    pytest.param("cortex-m4", "str r0, [r1]\nldr r2, [r3]", (), {"buses": 1}, id="m4-behind-a-store"),
    pytest.param("cortex-m4", "ldr r0, [r1]\nldr r2, [r0]", (), {"operands": 2}, id="m4-an-address-just-loaded"),
    pytest.param("cortex-m4", "adds r1, #4\nldr r0, [r1]", (), {"operands": 1}, id="m4-an-address-just-made"),
    pytest.param("cortex-m4", "ldr r3, [r4]\n" + 3 * "add.w r0, r1, r2\n", (), {"queue": 1}, id="m4-an-empty-queue"),
    pytest.param("cortex-m33", "ldr r0, [r1]\nadds r0, #1", (), {"operands": 1}, id="m33-a-value-too-early"),
    pytest.param("cortex-m33", "ldr r0, [r1]", (SRAM1 + 1,), {"buses": 1}, id="m33-not-aligned"),
    pytest.param("cortex-m7", "ldr r0, [r1]\nldr r2, [r3]", (SRAM1, SRAM1), {"buses": 1}, id="m7-one-bank"),
    pytest.param("cortex-m7", "ldr r0, [r1]\nldr r2, [r3]", (SRAM1, SRAM1 + 4), {}, id="m7-two-banks"),
    pytest.param("cortex-m0plus", "bl .", (), {"branches": 2}, id="m0plus-a-call"),
]


@pytest.mark.parametrize(("core", "text", "places", "waits"), CAUSES)
def test_what_is_waited_for(
    tmp_path: Path, core: str, text: str, places: tuple[int, ...], waits: dict[str, int]
) -> None:
    whole = Disassembler().instructions(0x08000000, code(tmp_path, FULL + text))
    found = walk(core, whole, dict(enumerate(places, 4)))
    told = [sum(one) for one in zip(*found.waits[4:], strict=True)]
    assert dict(zip(ALONE, told, strict=True)) == ALONE | waits
    assert len(found.waits) == len(whole)
    assert 0 <= sum(map(sum, found.waits)) < found.cycles[-1]


def test_a_landing_is_a_wait_for_the_branch(tmp_path: Path) -> None:
    landed, *rest = walk("cortex-m4", Disassembler().instructions(0x08000002, code(tmp_path, FULL))).waits
    assert landed.branches > 0
    assert not any(map(sum, rest))


def test_the_queue_of_the_cortex_m4(tmp_path: Path) -> None:
    wide = "add.w r0, r1, r2\n"
    whole = Disassembler().instructions(0x08000000, code(tmp_path, wide))
    assert walk("cortex-m4", whole).cycles[-1] == 2  # lands: P, and its own cycle
    (halfway,) = Disassembler().instructions(0x08000002, code(tmp_path, wide))
    assert walk("cortex-m4", [halfway]).cycles[-1] == 3  # comes in two words
    # Behind an instruction of several cycles the third wide one at a halfword's address waits.
    several = "ldr r3, [r4]\n"
    assert price("cortex-m4", tmp_path, FULL, several + 3 * wide) == 2 + 3 + 1
    assert price("cortex-m4", tmp_path, "nop\n" * 5, several + 3 * wide) == 2 + 3


PRICES_M33 = [
    pytest.param("ldr r0, [r1]\nadds r2, #1\nadds r0, #1", 3, id="a-value-after-two"),
    pytest.param("ldr r0, [r1]\nadds r0, #1", 3, id="which-the-next-waits-for"),
    pytest.param("ldr r0, [r1]\nstr r0, [r2]", 2, id="but-not-to-store-it"),
    pytest.param("mul r0, r1, r2\nadds r0, #1", 3, id="a-product-after-two"),
    pytest.param("smlad r0, r1, r2, r0\nsmlad r0, r3, r4, r0", 2, id="but-not-to-add-to-it"),
    pytest.param("qadd r0, r1, r2\nsmlad r0, r3, r4, r0", 3, id="dsp-forwards-nothing"),
    pytest.param("ldrd r0, r1, [r2]", 2, id="two-words"),
    pytest.param("ldmia r0, {r1, r2, r3}", 3, id="three-words"),
    pytest.param("adds r1, #4\nldr r0, [r1]", 2, id="no-stall-for-an-address"),
    pytest.param("adds r1, #4\nnop", 1, id="a-pair"),
    pytest.param("adds.w r1, r1, #4\nnop", 2, id="a-wide-one-has-no-partner"),
]


@pytest.mark.parametrize(("text", "cycles"), PRICES_M33)
def test_prices_of_the_cortex_m33(tmp_path: Path, text: str, cycles: int) -> None:
    assert price("cortex-m33", tmp_path, "adds r6, #1\n" * 6, text) == cycles


PRICES_M0PLUS = [
    pytest.param("adds r0, r1, r2\nmuls r0, r1\nlsrs r0, r1, #3", 3, id="one-each"),
    pytest.param("ldr r0, [r1]\nldr r2, [r0]\nstrb r0, [r1, r2]", 6, id="two-for-a-load-or-a-store"),
    pytest.param("ldmia r0!, {r1, r2, r3}\npush {r1, r2}", 7, id="one-more-than-words"),
    pytest.param("pop {r1, pc}", 5, id="three-more-with-pc"),
    pytest.param("bl .", 3, id="call"),
    pytest.param("mrs r0, primask\ndsb\nisb", 9, id="three-for-what-waits"),
]


@pytest.mark.parametrize(("text", "cycles"), PRICES_M0PLUS)
def test_prices_of_the_cortex_m0plus(tmp_path: Path, text: str, cycles: int) -> None:
    assert price("cortex-m0plus", tmp_path, "", text) == cycles


def test_a_taken_branch_of_the_cortex_m0plus_takes_one_more(tmp_path: Path) -> None:
    block = Disassembler().instructions(FLASH, code(tmp_path, "bne ."))
    found = walk("cortex-m0plus", block)
    assert (found.cycles[-1], found.branch) == (1, 1)


# Four 16-bit instructions are a line of flash. A read takes three cycles.
BUFFERED = [
    pytest.param(FlashSettings(0), "nop\n" * 16, {}, 16, id="no-wait-states"),
    pytest.param(FlashSettings(2), "nop\n" * 16, {}, 16 + 4 * 2, id="every-line-waits"),
    pytest.param(FlashSettings(2, prefetch=True), "nop\n" * 16, {}, 16 + 2, id="read-ahead"),
    pytest.param(FlashSettings(2, prefetch=True), "nop\nnop.w\nnop\n" * 4, {}, 12 + 2, id="in-three-cycles-at-least"),
    pytest.param(FlashSettings(2, prefetch=True), "nop.w\nnop.w\n" * 4, {}, 8 + 2 + 3, id="else-it-is-waited-for"),
    pytest.param(FlashSettings(2), "ldr r0, [r1]\nnop\nnop\nnop", {0: SRAM1}, 5 + 2, id="ram-does-not-wait"),
    pytest.param(FlashSettings(2), "ldmia r1!, {r0, r2}\nnop\nnop\nnop", {0: FLASH}, 6 + 2 + 4, id="data-by-words"),
    pytest.param(FlashSettings(2), "ldr r0, =0x12345678\nnop\nnop\nnop", {}, 5 + 2 + 2, id="a-literal-is-data"),
    pytest.param(
        FlashSettings(2, prefetch=True), "ldr r0, [r1]\n" + "nop\n" * 7, {0: FLASH}, 9 + 2 + 2, id="data-goes-first"
    ),
]


@pytest.mark.parametrize(("set_to", "text", "places", "cycles"), BUFFERED)
def test_a_fetch_buffer(
    tmp_path: Path, set_to: FlashSettings, text: str, places: Mapping[int, int], cycles: int
) -> None:
    g0b1 = chip.load("stm32g0b1")
    model = cycle_model(g0b1.core, g0b1.memories, memory_system(g0b1, lambda: set_to))
    count = text.strip().count("\n") + 1
    block = Disassembler().instructions(FLASH, code(tmp_path, text))[:count]
    assert model.walk(block, model.landed, places).cycles[-1] == cycles


def test_a_fetch_buffer_keeps_two_lines() -> None:
    g0b1 = chip.load("stm32g0b1")
    buffer = memory_system(g0b1, lambda: FlashSettings(2))
    assert isinstance(buffer, Buffer)
    held, waits = Held(), []
    for time, line in enumerate((0, 1, 0, 2, 0, 1)):
        waited, held = buffer.enter(held, FLASH + 8 * line, 2, 100 * time)
        waits.append(waited)
    assert waits == [2, 2, 0, 2, 0, 2]


def test_what_was_walked_under_other_settings_is_walked_anew() -> None:
    g0b1 = chip.load("stm32g0b1")
    settings = [FlashSettings(0), FlashSettings(2)]
    memory = memory_system(g0b1, lambda: settings[0])
    model = cycle_model(g0b1.core, g0b1.memories, memory)
    before = model.settings
    del settings[0]
    memory.begin()
    assert model.settings != before


PRICES_M7 = [
    pytest.param("adds r0, r1, r2\nadds r3, r4, r5", 1, id="two-at-a-time"),
    pytest.param("add.w r0, r1, r2\neor.w r6, r0, r7", 1, id="early-to-late-in-one-cycle"),
    pytest.param("eor.w r0, r1, r2\neor.w r6, r0, r7", 2, id="but-not-late-to-late"),
    pytest.param("add.w r0, r1, r2\neor.w r6, r7, r0, ror #22", 2, id="nor-to-an-operand-that-is-shifted"),
    pytest.param("eor.w r0, r1, r2\nnop\neor.w r6, r7, r0, ror #22", 3, id="late-to-shifted-operand"),
    pytest.param("add.w r0, r1, r2, lsl #2\nadd.w r3, r4, r5, lsl #2", 2, id="one-shifter"),
    pytest.param("sxtb16 r0, r1\nsxtb16 r2, r3", 2, id="dsp-never-as-the-younger"),
    pytest.param("sxtb16 r0, r1\nadds r2, #1", 1, id="dsp-as-the-older"),
    pytest.param("smlad r0, r1, r2, r0\nsmlad r0, r3, r4, r0", 2, id="accumulators-chain"),
    pytest.param("mul r0, r1, r2\nadds r3, r0, r4", 3, id="a-product-after-two"),
    pytest.param("mul r0, r1, r2\nstr r3, [r4]", 2, id="no-product-beside-a-store"),
    pytest.param("str r0, [r1]\nstr r2, [r3]", 2, id="one-store"),
    pytest.param("ldr r0, [r1]\nstr r0, [r2]", 1, id="loaded-and-stored-at-once"),
    pytest.param("ldr r0, [r1]\nadds r3, r0, r4", 2, id="a-word-in-the-next-cycle"),
    pytest.param("ldrb r0, [r1]\nadds r3, r0, r4", 3, id="a-byte-one-later"),
    pytest.param("ldr r0, [r1]\nmul r3, r0, r4", 3, id="a-word-for-a-product-one-later"),
    pytest.param("ldr r0, [r1]\nldr r3, [r0]", 3, id="a-word-as-an-address"),
    pytest.param("ldr r0, [r1], #4\nldr r3, [r1]", 2, id="a-base-update"),
    pytest.param("ldmia r0, {r1, r2, r3}\nnop", 3, id="two-words-a-cycle-and-alone"),
    pytest.param("sdiv r0, r1, r2", 8, id="division"),
    pytest.param("vmla.f32 s0, s1, s2\nvmla.f32 s0, s3, s4", 4, id="sums-of-products"),
    pytest.param("vmul.f32 s0, s1, s2\nvadd.f32 s3, s0, s4", 4, id="floating-point-after-three"),
]


@pytest.mark.parametrize(("text", "cycles"), PRICES_M7)
def test_prices_of_the_cortex_m7(tmp_path: Path, text: str, cycles: int) -> None:
    assert price("cortex-m7", tmp_path, "nop\n" * 2, text) == cycles


@pytest.mark.parametrize(
    ("places", "cycles"),
    [((0x2000_0000, 0x2000_0004), 1), ((0x2000_0000, 0x2000_0008), 2), ((0x2000_0001, 0x2000_0004), 5)],
    ids=["two-banks", "one-bank", "not-aligned"],
)
def test_where_loads_go_on_the_cortex_m7(tmp_path: Path, places: tuple[int, ...], cycles: int) -> None:
    assert price("cortex-m7", tmp_path, "nop\n" * 2, TWO_LOADS, dict(enumerate(places, 2))) == cycles


def test_branches_of_the_cortex_m7(tmp_path: Path) -> None:
    def last(text: str) -> tuple[int, int]:
        whole = walk("cortex-m7", Disassembler().instructions(0x08000000, code(tmp_path, text)))
        return whole.branch, whole.mispredicted

    assert last("here: cmp r0, r1\nbne here") == (0, 8)
    assert last("here: cmp r0, r1\n" + 6 * "mov.w r2, r3\n" + "bne here") == (0, 6)  # the flags are 3 cycles old
    assert last("here: b here") == (0, 0)
    assert last("bx lr") == (2, 0)


# (base, index, shift, pointer, offset of the first access)
SUMS = [
    pytest.param("movs r1, #3\nldrsb r0, [r2, r1]", (2, -1, 0, None, 3), id="a-constant-as-index"),
    pytest.param("adds r0, r1, r2\nldrb r0, [r0, #4]", (1, 2, 0, None, 4), id="a-sum"),
    pytest.param("adds r1, #4\nadd.w r0, r1, r2, lsl #2\nldr r0, [r0]", (1, 2, 2, None, 4), id="of-a-shifted-one"),
    pytest.param("lsls r0, r1, #3\nadds r0, r2\nldr r0, [r0]", (2, 1, 3, None, 0), id="shifted-before"),
    pytest.param("lsls r0, r1, #3\nldr r0, [r2, r0]", (2, 1, 3, None, 0), id="a-shifted-index"),
    pytest.param("ldr r0, [sp, #8]\nldrb r0, [r0, r1]", (13, 1, 0, 8, 0), id="behind-a-pointer"),
    pytest.param("ldr r0, [sp, #8]\nadds r1, #2\nldrb r0, [r1, r0]", (13, 1, 0, 8, 2), id="a-pointer-as-index"),
    pytest.param("adds r0, r1, r2\nadds r0, r3\nldr r0, [r0]", None, id="not-of-three"),
    pytest.param("lsrs r0, r1, #2\nldr r0, [r0]", None, id="nor-otherwise-shifted"),
    pytest.param("adds r0, r0, r0\nldr r0, [r0]", (0, 0, 0, None, 0), id="twice-the-same"),
]


@pytest.mark.parametrize(("text", "place"), SUMS)
def test_the_sums_of_a_block_are_followed(tmp_path: Path, text: str, place: tuple[int, ...] | None) -> None:
    followed = groups(Disassembler().instructions(0x08000000, code(tmp_path, text)))
    found = [(g.base, g.index, g.shift, g.pointer, g.accesses[0].offset) for g in followed if g.accesses[0].position]
    assert found == ([place] if place else [])


def test_the_addresses_of_a_block_are_followed(tmp_path: Path) -> None:
    text = "ldr r0, [r1], #8\nldrb r2, [r1, #3]\nadd r3, r4, #16\nldrh r5, [r3, r6, lsl #1]\nldr r7, [r0]\nstr r7, [r7]"
    followed = groups(Disassembler().instructions(0x08000000, code(tmp_path, text)))
    found = [
        (group.base, group.index, group.shift, group.pointer, [(a.position, a.offset, a.bytes) for a in group.accesses])
        for group in followed
    ]
    assert found == [
        (1, -1, 0, None, [(0, 0, 4), (1, 11, 1)]),
        (4, 6, 1, None, [(3, 16, 2)]),
        (1, -1, 0, 0, [(4, 0, 4)]),  # by the word that lies at r1
    ]  # the last one's address was loaded by an address that was loaded: not known


def settings() -> FlashSettings:
    return FlashSettings(5, prefetch=True, ways=2)


PARTS = [
    pytest.param([(0, 0)], [8], id="a-missing-line"),
    pytest.param([(0, 0), (0, 8)], [8, 6], id="its-next-part-takes-another-read"),
    pytest.param([(0, 0), (0, 24)], [8, 18], id="its-last-part-three"),
    pytest.param([(0, 24), (0, 0)], [8, 6], id="what-is-wanted-comes-first"),
    pytest.param([(0, 0), (2, 0)], [8, 24], id="another-waits-for-the-end-of-the-fill"),
]


@pytest.mark.parametrize(("fetches", "waits"), PARTS)
def test_code_waits_for_flash(fetches: list[tuple[int, int]], waits: list[int]) -> None:
    """Fetches of (line, byte), one right after the other, so that each waits for the fills before."""
    memory = memory_system(chip.load("stm32l4r5"), settings)
    now, found = 1000, []
    for line, byte in fetches:
        found.append(memory.fetch(memory.stretch([Fetch(FLASH + 32 * line + byte, 0)]), now))
        now += found[-1]
    assert found == waits


def test_the_next_line_is_read_ahead() -> None:
    memory = memory_system(chip.load("stm32l4r5"), settings)
    waits = [memory.fetch(memory.stretch([Fetch(FLASH + 32 * n, 0)]), 1000 * n) for n in (1, 2, 4)]
    assert waits == [8, 0, 8]


def test_the_line_that_was_not_used_for_longest_goes() -> None:
    memory = memory_system(chip.load("stm32l4r5"), settings)
    for now, line in enumerate([*range(32), 0, 32]):
        memory.fetch(memory.stretch([Fetch(FLASH + 32 * line, 0)]), 1000 * now)
    waits = [memory.fetch(memory.stretch([Fetch(FLASH + 32 * line, 0)]), 10**6 + 1000 * line) for line in (0, 1)]
    assert (waits[0], waits[1] > 0) == (0, True)


def test_data_waits_for_flash_and_never_for_ram() -> None:
    memory = memory_system(chip.load("stm32l4r5"), settings)
    assert [memory.read(FLASH, 4, 1000), memory.read(FLASH + 4, 4, 2000), memory.read(FLASH + 32, 4, 3000)] == [8, 0, 8]
    assert (memory.waits(FLASH), memory.waits(SRAM1)) == (True, False)
    assert (memory.counts.data_misses, memory.counts.code_misses) == (2, 0)


def test_one_cache_for_code_and_data_in_two_ways() -> None:
    memory = memory_system(chip.load("stm32u575"), settings)

    def fetch(line: int, now: int) -> int:
        return memory.fetch(memory.stretch([Fetch(FLASH + 16 * line, 0)]), now)

    assert (fetch(0, 0), memory.read(FLASH, 4, 1000)) == (7, 0)
    assert memory.read(FLASH + 16, 4, 2000) == 2  # read ahead
    assert (fetch(256, 3000), fetch(0, 4000)) == (7, 0)  # the other way of the set
    assert (fetch(512, 5000), fetch(0, 6000), fetch(256, 7000)) == (7, 0, 7)


def touched(*lines: int, written: bool = False) -> tuple[Touched, ...]:
    return tuple(Touched(line, written, 0) for line in lines)


CACHED = [
    pytest.param("stm32f746", 1, 4 + 8, 11, 4, id="flash-reads-a-line-at-once"),
    pytest.param("stm32h7a3", 2, 2 * (4 + 6), 22, 8, id="a-bus-at-half-the-clock"),
]


@pytest.mark.parametrize(("name", "divider", "flash", "ram", "write"), CACHED)
def test_caches_inside_the_core(name: str, divider: int, flash: int, ram: int, write: int) -> None:
    wait_states = flash // divider - 5
    memory = memory_system(chip.load(name), lambda: FlashSettings(wait_states, bus_divider=divider))
    sram = next(block.origin for block in chip.load(name).memories if block.name in {"sram1", "axi_sram"})
    assert [memory.touch(FLASH + at, touched(0), 100 * at, (0,)) for at in (0, 28, 32)] == [flash, 0, flash]
    assert memory.touch(sram, touched(0, 1), 2000, (0,)) == 2 * ram
    assert memory.touch(sram + 64, touched(0, written=True), 3000, (0,)) == write
    assert memory.touch(0x2000_0000, touched(0, 1, 2), 4000, (0,)) == 0  # DTCM
    assert (memory.counts.data_misses, memory.waits(sram)) == (2, False)


def test_the_flash_of_the_stm32h7a3_reads_half_a_line() -> None:
    memory = memory_system(chip.load("stm32h7a3"), lambda: FlashSettings(7))
    first, second = (memory.touch(FLASH + 32 * n, touched(0), 1000 + 20 * n, (0,)) for n in range(2))
    assert (first, second) == (12, 12)
    assert memory.touch(FLASH + 128, touched(0), 2000, (0,)) == 12
    assert memory.touch(FLASH + 160, touched(0), 2012, (0,)) == 8 + 8  # behind the other half of the line before


def test_four_ways_of_data_and_two_of_code() -> None:
    memory = memory_system(chip.load("stm32f746"), lambda: FlashSettings(7))
    assert [memory.touch(FLASH + 1024 * n, touched(0), 1000 * n, (0,)) > 0 for n in (0, 1, 2, 3, 0, 4, 0, 1)] == [
        *(True, True, True, True),
        *(False, True, False, True),
    ]

    def fetch(line: int, now: int) -> bool:
        return memory.fetch(memory.stretch([Fetch(FLASH + 2048 * line, 0)]), now) > 0

    assert [fetch(n, 10_000 + 1000 * n) for n in (0, 1, 0, 2, 0, 1)] == [True, True, False, True, False, True]


def test_what_nobody_has_modelled_is_refused() -> None:
    with pytest.raises(UsageError, match="nobody has modelled the pipeline of the Arm Cortex-M55 yet"):
        cycle_model(cores.load("cortex-m55"), [], memory_system(chip.load("stm32l4r5"), settings))
    with pytest.raises(UsageError, match="nobody has described the flash of the AN386 yet"):
        memory_system(chip.load("an386"), settings)
