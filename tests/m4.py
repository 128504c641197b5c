"""A Cortex-M4 for tests of generated code: the real compiler, a bare ELF, Unicorn calling functions in it.

No board and no startup code: memory is mapped, the ELF loaded, the stack pointer set, a function called.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines import Generated
    from tinyperf.tflite import Model

STRICT = (
    *("-std=c99", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wdouble-promotion"),
    *("-Wmissing-prototypes", "-Wvla"),
)
M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
FLASH, RAM, STACK, STOP = 0x08000000, 0x20000000, 0x30000000, 0x1F000000
STACK_BYTES = 0x10000
SCRIPT = f"""
ENTRY(tp_model_invoke)
MEMORY {{ flash (rx) : ORIGIN = {FLASH:#x}, LENGTH = 4M
         ram (rwx) : ORIGIN = {RAM:#x}, LENGTH = 4M }}
SECTIONS {{
  .text : {{ *(.text*) *(.rodata*) }} > flash
  .ARM.exidx : {{ *(.ARM.exidx*) }} > flash
  .arena (NOLOAD) : {{ *(.arena) }} > ram
  .data : {{ *(.data*) *(.bss*) *(COMMON) }} > ram
}}
"""
APP = Path(__file__).parent.parent / "firmware_templates" / "app"
KEEP = "-Wl,--undefined=tp_model_init,--undefined=tp_model_input,--undefined=tp_model_output"


def write_sources(generated: Generated, folder: Path) -> None:
    for name, text in generated.sources.items():
        (folder / name).write_text(text, encoding="utf-8")


def build(generated: Generated, folder: Path) -> Path:
    """The ELF of `generated`, compiled with -O2 and every warning an error. Skips without the cross compiler."""
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("arm-none-eabi-gcc is not on PATH")
    write_sources(generated, folder)
    (folder / "bare.ld").write_text(SCRIPT, encoding="utf-8")
    elf = folder / "model.elf"
    argv = ["arm-none-eabi-gcc", *STRICT, *M4, "-O2", "-ffreestanding", f"-I{APP}", "-nostartfiles", "-nostdlib"]
    argv += ["-Wl,-Tbare.ld", "-Wl,--no-warn-rwx-segments", KEEP, "model.c", "-lc_nano", "-lgcc", "-o", elf.name]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return elf


@dataclass
class Machine:
    """One model on one emulated core; `instructions` of the latest inference, by symbol."""

    elf: Path
    model: Model
    count: bool = True
    instructions: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        unicorn = pytest.importorskip("unicorn", reason="unicorn is not installed (extra 'virtual')")
        from elftools.elf.elffile import ELFFile

        self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(unicorn.arm_const.UC_CPU_ARM_CORTEX_M4)
        self._regs: Any = unicorn.arm_const
        for start, size in ((FLASH, 0x400000), (RAM, 0x400000), (STACK, STACK_BYTES), (STOP, 0x1000)):
            self._uc.mem_map(start, size)
        with self.elf.open("rb") as file:
            image = ELFFile(file)
            for segment in image.iter_segments("PT_LOAD"):
                if segment["p_filesz"]:
                    self._uc.mem_write(segment["p_paddr"], segment.data())
            symbols = list(image.get_section_by_name(".symtab").iter_symbols())
        self._symbols = {s.name: s["st_value"] for s in symbols}
        functions = [s for s in symbols if s["st_info"]["type"] == "STT_FUNC"]
        self._names = {a: s.name for s in functions for a in range(s["st_value"] & ~1, s["st_value"] + s["st_size"], 2)}
        self._lengths: dict[tuple[int, int], int] = {}
        self._blocks: Counter[tuple[int, int]] = Counter()
        if self.count:
            self._uc.hook_add(unicorn.UC_HOOK_BLOCK, self._block)

    def _block(self, _uc: Any, address: int, size: int, _data: Any) -> None:
        self._blocks[address, size] += 1

    def call(self, symbol: str) -> int:
        """Call a function without arguments; its result."""
        self._uc.reg_write(self._regs.UC_ARM_REG_SP, STACK + STACK_BYTES)
        self._uc.reg_write(self._regs.UC_ARM_REG_LR, STOP | 1)
        self._uc.emu_start(self._symbols[symbol] | 1, STOP)
        result: int = self._uc.reg_read(self._regs.UC_ARM_REG_R0)
        return result

    def infer(self, sample: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """One inference; the input must still be there afterwards."""
        place = self.call("tp_model_input")
        self._uc.mem_write(place, sample.astype(np.int8).tobytes())
        self._blocks.clear()
        assert self.call("tp_model_invoke") == 0
        self.instructions = self._counted()
        assert bytes(self._uc.mem_read(place, sample.size)) == sample.tobytes()
        output = self._uc.mem_read(self.call("tp_model_output"), math.prod(self.model.output.shape))
        return np.frombuffer(bytes(output), np.int8)

    def _counted(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for (address, size), times in self._blocks.items():
            counted[self._names.get(address, "?")] += times * self._instructions(address, size)
        return counted

    def _instructions(self, address: int, size: int) -> int:
        """Thumb instructions in a block: a halfword that starts with 0b11101 or above is half of a wide one."""
        if (address, size) not in self._lengths:
            halves = np.frombuffer(bytes(self._uc.mem_read(address, size)), "<u2")
            found, at = 0, 0
            while at < len(halves):
                found, at = found + 1, at + (2 if halves[at] >= 0xE800 else 1)
            self._lengths[address, size] = found
        return self._lengths[address, size]
