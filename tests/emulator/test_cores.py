"""Each core is run as itself: its exceptions, its priorities, and a fault for what it lacks."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tinyperf import board, content, cores
from tinyperf.device.dut import Dut
from tinyperf.engines import FakeEngine, Target
from tinyperf.errors import FaultError, UsageError
from tinyperf.firmware import build
from tinyperf.firmware.render import render
from tinyperf.tflite import Model, Quantization, Tensor
from tinyperf.virtual.board import open_virtual
from tinyperf.virtual.board.cpu import Cpu, Memory
from tinyperf.virtual.board.scs import Nvic
from tinyperf.virtual.board.unchecked_faults import specials

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tinyperf.virtual.board.link import VirtualLink

SCRIPT = """
ENTRY(reset)
MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 2M }
SECTIONS { .text : { KEEP(*(.vectors)) *(.text*) } > FLASH }
"""
# Only what Armv6-M has, but for the text that is tried.
PRELUDE = """
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .weak pendsv, systick
    .section .vectors, "a"
    .word 0x20030000, reset, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, pendsv, systick
    .text
    .thumb_func
    .type reset, %function
"""
CORES = ["cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m33"]
Run = "Callable[[str, str, Sequence[str]], VirtualLink]"


def board_with(core: str, folder: Path, without: Sequence[str] = ()) -> board.Board:
    """A NUCLEO-L4R5ZI whose chip has another core."""
    shipped = content.shipped("boards")
    chip = (shipped / "chips" / "stm32l4r5.yaml").read_text().replace("name: stm32l4r5", "name: other")
    chip = chip.replace("core: cortex-m4", f"core: {core}\nwithout: [{', '.join(without)}]")
    (folder / "chips").mkdir()
    (folder / "chips" / "other.yaml").write_text(chip.replace("unicorn\n", "unicorn\n  module: stm32l4r5\n"))
    text = (shipped / "nucleo-l4r5zi.yaml").read_text().replace("chip: stm32l4r5", "chip: other\nmcu: stm32l4r5")
    (folder / "mine.yaml").write_text(text)
    return board.load(str(folder / "mine.yaml"))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., VirtualLink]:
    """Run assembly for a millisecond on a core of that name."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")

    def assemble(core: str, text: str, without: Sequence[str] = ()) -> VirtualLink:
        chosen = board_with(core, tmp_path, without)
        (tmp_path / "a.s").write_text(PRELUDE + text + "\n")
        (tmp_path / "a.ld").write_text(SCRIPT)
        argv = ["arm-none-eabi-gcc", "-nostdlib", "-T", "a.ld", "a.s", "-o", "a.elf", "-Wl,--build-id=none"]
        subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True)
        link = open_virtual(chosen, tmp_path / "a.elf")
        link.read(0.001)
        return link

    return assemble


HANDLERS = """
reset:
    movs r4, #0
    ldr r0, =0xE000ED04
    movs r1, #1
    lsls r1, r1, #28
    str r1, [r0]            @ PendSV
    movs r5, #5
    b .
    .thumb_func
    .type pendsv, %function
pendsv:
    adds r4, #1
    cmp r4, #2
    beq 1f
    str r1, [r0]            @ once more, tail-chained
1:  {back}
"""


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("back", ["bx lr", "push {lr}\n pop {pc}"], ids=["bx", "pop"])
def test_exceptions_come_and_go(core: str, back: str, run: Callable[..., VirtualLink]) -> None:
    link = run(core, HANDLERS.format(back=back))
    registers = link.machine.cpu.registers()
    assert (registers[4], registers[5], link.machine.handlers) == (2, 5, 0)


@pytest.mark.parametrize("core", CORES)
def test_an_exception_takes_the_core_s_cycles(core: str, run: Callable[..., VirtualLink]) -> None:
    link = run(core, HANDLERS.format(back="bx lr"))
    costs = cores.load(core).exceptions
    machine = link.machine
    # At one cycle an instruction; what is waited through is no instruction.
    executed = machine.cycles() - machine.waited_cycles - machine.instructions
    assert executed == costs.entry_cycles + costs.tail_chain_cycles + costs.exit_cycles


LACKING = [
    pytest.param("cortex-m0plus", [], "it eq\n moveq r0, r0", "lacks IT blocks", id="m0plus-it"),
    pytest.param("cortex-m0plus", [], "cbz r7, 1f\n nop\n1: nop", "lacks CBZ and CBNZ", id="m0plus-cbz"),
    pytest.param("cortex-m0plus", [], "movw r0, #1234", "no instruction of this core", id="m0plus-movw"),
    pytest.param("cortex-m0plus", [], "sdiv r0, r1, r2", "no instruction of this core", id="m0plus-sdiv"),
    pytest.param("cortex-m0plus", [], "smlad r0, r1, r2, r3", "lacks the DSP instructions", id="m0plus-dsp"),
    pytest.param("cortex-m0plus", [], "vadd.f32 s0, s1, s2", "lacks floating point", id="m0plus-fpu"),
    pytest.param("cortex-m0plus", [], "msr basepri, r0", "lacks BASEPRI and FAULTMASK", id="m0plus-basepri"),
    pytest.param("cortex-m0plus", [], "cpsid f", "lacks BASEPRI and FAULTMASK", id="m0plus-faultmask"),
    pytest.param("cortex-m0plus", [], "movs r0, #1\n ldr r1, [r0]", "Armv6-M loads and stores", id="m0plus-unaligned"),
    pytest.param("cortex-m4", ["fpu"], "vadd.f32 s0, s1, s2", "lacks floating point", id="m4-without-fpu"),
    pytest.param("cortex-m4", [], "vadd.f64 d0, d1, d2", "lacks double precision", id="m4-double"),
    pytest.param("cortex-m7", ["fpu_double"], "vcvt.f64.f32 d0, s0", "lacks double precision", id="m7-single"),
    pytest.param("cortex-m33", ["dsp"], "sxtb16 r0, r1", "lacks the DSP instructions", id="m33-without-dsp"),
    pytest.param("cortex-m33", ["dsp"], "it eq\n qaddeq r0, r1, r2", "lacks the DSP", id="m33-dsp-in-an-it-block"),
]
WHOLE = """
reset:
    ldr r0, =0xE000ED88
    ldr r1, =0x00F00000
    str r1, [r0]            @ CPACR: the FPU is on
    .cpu cortex-m7
    .fpu fpv5-d16
    .thumb
"""


@pytest.mark.parametrize(("core", "without", "text", "words"), LACKING)
def test_what_a_core_lacks_is_a_fault(
    core: str, without: Sequence[str], text: str, words: str, run: Callable[..., VirtualLink]
) -> None:
    with pytest.raises(FaultError, match=r"firmware fault at PC 0x0800004[68]") as caught:
        run(core, f"{WHOLE}{text}\nb .", without)
    assert words in caught.value.means


@pytest.mark.parametrize(
    ("core", "without", "text"),
    [
        pytest.param("cortex-m4", [], "smlad r0, r1, r2, r3\n vadd.f32 s0, s1, s2\n vmov d0, r2, r3", id="m4"),
        pytest.param("cortex-m4", ["fpu"], "it eq\n smladeq r0, r1, r2, r3\n sdiv r0, r1, r2", id="m4-without-fpu"),
        pytest.param("cortex-m7", [], "vadd.f64 d0, d1, d2\n vcvt.f64.f32 d0, s0", id="m7"),
        pytest.param(
            "cortex-m33",
            ["dsp"],
            "sxth.w r8, r1\n clz r0, r1\n rev.w r0, r1\n mla r0, r1, r2, r3\n smull r0, r1, r2, r3\n"
            "umlal r0, r1, r2, r3\n ssat r0, #3, r1, asr #4\n usat r0, #3, r1\n udiv r0, r1, r2\n"
            "cbz r1, 1f\n nop\n1: msr basepri, r0",
            id="m33-without-dsp",
        ),
    ],
)
def test_what_a_core_has_runs(core: str, without: Sequence[str], text: str, run: Callable[..., VirtualLink]) -> None:
    link = run(core, f"{WHOLE}{text}\nmovs r5, #5\nb .", without)
    assert link.machine.cpu.registers()[5] == 5


ABSENT = """
    ldr r0, ={address}
    movs r1, #1
    str r1, [r0]
    movs r1, #0
    ldr r2, [r0, #{offset}]
    ldr r2, [r0, #{offset}]
    b .
"""


@pytest.mark.parametrize(
    ("core", "address", "offset", "seen"),
    [
        pytest.param("cortex-m0plus", "0xE0001000", 4, {0}, id="m0plus-counts-no-cycles"),
        pytest.param("cortex-m4", "0xE0001000", 4, set(range(1, 20)), id="m4-counts-cycles"),
        pytest.param("cortex-m0plus", "0xE000ED88", 0, {0}, id="m0plus-has-no-cpacr"),
        pytest.param("cortex-m0plus", "0xE000ED14", 0, {0x208}, id="m0plus-has-a-fixed-ccr"),
        pytest.param("cortex-m4", "0xE000ED14", 0, {1}, id="m4-has-not"),
    ],
)
def test_registers_of_the_core(
    core: str, address: str, offset: int, seen: set[int], run: Callable[..., VirtualLink]
) -> None:
    link = run(core, "reset:" + ABSENT.format(address=address, offset=offset))
    assert link.machine.cpu.registers()[2] in seen


def test_the_m4_is_no_m33(run: Callable[..., VirtualLink]) -> None:
    """Unicorn's UC_MODE_MCLASS makes every model a Cortex-M33, which has VSEL."""
    with pytest.raises(FaultError, match="UC_ERR_INSN_INVALID"):
        run("cortex-m4", f"{WHOLE}vseleq.f32 s0, s1, s2\nb .")


def test_a_core_that_unicorn_has_not(run: Callable[..., VirtualLink]) -> None:
    with pytest.raises(UsageError, match="Unicorn has no Arm Cortex-M55"):
        run("cortex-m55", "reset: b .")


@pytest.mark.parametrize(("bits", "written", "kept"), [(2, 0xFF, 0xC0), (3, 0xFF, 0xE0), (4, 0x5A, 0x50)])
def test_priorities_have_the_chip_s_bits(bits: int, written: int, kept: int) -> None:
    assert written & Nvic(4, bits).priority_mask == kept


def test_nothing_of_a_whole_core_is_looked_at_but_what_unicorn_does_not_check() -> None:
    m7 = cores.load("cortex-m7")
    code = bytes.fromhex("08bf0120c0b122fb013471ee200a")  # IT EQ, MOVEQ, CBZ, SMLAD, VADD.F32
    assert [(one.kind, one.address) for one in specials(0x100, code, m7)] == [("fp", 0x10A)]


@pytest.mark.parametrize(
    "core",
    [core if core == "cortex-m33" else pytest.param(core, marks=pytest.mark.slow) for core in CORES],
)
def test_our_firmware_starts_talks_and_infers_on_every_core(
    core: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    monkeypatch.setenv("TINYPERF_CACHE", str(tmp_path / "cache"))
    chosen = board_with(core, tmp_path)
    tensors = tuple(Tensor(i, f"t{i}", (1, 40), "int8", Quantization((1.0,), (0,))) for i in range(2))
    model = Model("copy", "0" * 64, 0, tensors, (), (0,), (1,))
    generated = FakeEngine().generate(model, Target(chosen.core), {})
    toolset = build.find_toolset(chosen)
    project = render(chosen, model, generated, benchmark=None, toolset=toolset)
    image = build.build_project(chosen, project, generated, toolset)
    link = open_virtual(chosen, image.path)
    dut = Dut(link, where="the virtual board")
    assert dut.connect().build_id == image.build_id
    assert link.clock_hz == chosen.clock_hz
    least = next(row.cycles for row in chosen.chip.wait_states if link.clock_hz <= row.up_to_hz)
    assert link.machine.soc.clocks.flash_settings().wait_states == least
    sent = bytes(range(100, 140))
    dut.download(sent)
    answer = dut.infer(3, 1)
    assert answer is not None
    assert list(answer.results) == [float(b - 256 if b > 127 else b) for b in sent]


def test_code_is_translated_once_whatever_memories_there_are() -> None:
    """A small memory at the lowest address, as ITCM is."""
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    memories = Memory(0, 0x4000), Memory(0x0800_0000, 1 << 20, writable=False), Memory(0x2000_0000, 0x5_0000)
    cpu = Cpu(cores.load("cortex-m7"), memories, (), lambda _a, _w: 0, lambda _a, _w, _v: None)
    assert cpu.program(0x0800_0000, b"\x01\x60\xfd\xe7")  # str r1, [r0]; b to it
    cpu.set_frame([0x2000_0000, 0, 0, 0, 0, 0])
    translated: list[int] = []
    cpu.on_new_block(lambda address, _size: translated.append(address))
    for _ in range(5):
        assert cpu.run(0x0800_0000, 100).why == "limit"
    assert translated == [0x0800_0000]
