"""A Cortex-M4 for tests of generated code: the real compiler, a bare ELF, the virtual board's core calling functions.

No board and no startup code: memory is mapped, the ELF loaded, the stack pointer set, a function called. A whole
image would take seconds to build for each of the random graphs.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from tinyperf import cores
from tinyperf.chip import Region
from tinyperf.virtual.board.cpu import Cpu, Memory
from tinyperf.virtual.board.image import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from tinyperf.tflite import Model
    from tinyperf.virtual.board.image import FirmwareImage

STRICT = (
    *("-std=c99", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wdouble-promotion"),
    *("-Wmissing-prototypes", "-Wvla"),
)
M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
FLASH, RAM, STACK, STOP = 0x08000000, 0x20000000, 0x30000000, 0x1F000000
STACK_BYTES, MEMORY_BYTES = 0x10000, 0x400000
BKPT = b"\x00\xbe"
MOST_INSTRUCTIONS = 1 << 40
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


class Sources(Protocol):
    """What a compiler gave."""

    @property
    def sources(self) -> Mapping[str, str]: ...


def write_sources(generated: Sources, folder: Path) -> None:
    for name, text in generated.sources.items():
        (folder / name).write_text(text, encoding="utf-8")


def build(generated: Sources, folder: Path) -> Path:
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


def initialized(elf: Path, image: FirmwareImage) -> list[tuple[int, bytes]]:
    """What the start of a program copies into RAM."""
    there = {address for address, _ in image.segments}
    with elf.open("rb") as file:
        segments = [s for s in ELFFile(file).iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"] > 0]
        return [(s["p_vaddr"], s.data()) for s in segments if s["p_vaddr"] not in there]


class Machine:
    """One model on the core of the virtual board, without a board around it; `instructions` of the latest inference."""

    def __init__(self, elf: Path, model: Model) -> None:
        pytest.importorskip("unicorn", reason="unicorn is not installed (extra 'virtual')")
        image = load(elf, Region(origin=FLASH, bytes=MEMORY_BYTES))
        memories = (Memory(FLASH, MEMORY_BYTES), Memory(RAM, MEMORY_BYTES), Memory(STACK, STACK_BYTES))
        self._cpu = Cpu(cores.load("cortex-m4"), (*memories, Memory(STOP, 0x1000)), (), _read, _write)
        for address, data in (*image.segments, *initialized(elf, image), (STOP, BKPT)):
            self.write(address, data)
        self._symbols = {symbol.name: symbol.address for symbol in image.symbols}
        self._model = model
        self.call("tp_model_init")

    def _bytes(self, address: int, size: int) -> memoryview:
        """What the core has there."""
        view = self._cpu.view(address, size)
        assert view is not None
        return view

    def call(self, symbol: str, index: int = 0) -> int:
        """Call a function of at most one argument; its result."""
        self._cpu.set_frame([index])
        self._cpu.set("sp", STACK + STACK_BYTES)
        self._cpu.set("lr", STOP | 1)
        ran = self._cpu.run(self._symbols[symbol], MOST_INSTRUCTIONS)
        assert ran.why == "bkpt", ran
        self.instructions: int = ran.executed
        return self._cpu.frame()[0]

    @property
    def functions(self) -> frozenset[str]:
        """Names of all symbols."""
        return frozenset(self._symbols)

    def write(self, address: int, data: bytes) -> None:
        self._bytes(address, len(data))[:] = data

    def infer(self, *samples: npt.NDArray[Any], kept: bool = True) -> npt.NDArray[Any]:
        """One inference, of a sample for each of the model's inputs. `kept`: they must still be there afterwards."""
        given = [self._bytes(self.call("tp_model_input", i), sample.nbytes) for i, sample in enumerate(samples)]
        for held, sample in zip(given, samples, strict=True):
            held[:] = sample.tobytes()
        assert self.call("tp_model_invoke") == 0
        assert not kept or all(held == sample.tobytes() for held, sample in zip(given, samples, strict=True))
        return self.output(0)

    def output(self, index: int) -> npt.NDArray[Any]:
        """An output of the latest inference, flat."""
        made, instructions = self._model.tensors[self._model.outputs[index]], self.instructions
        at = self.call("tp_model_output", index)
        self.instructions = instructions
        return np.frombuffer(bytes(self._bytes(at, made.elements * np.dtype(made.dtype).itemsize)), made.dtype)


def _read(address: int, width: int) -> int:
    raise AssertionError(f"{width} bytes read at {address:#x}, where no device is")


def _write(address: int, width: int, value: int) -> None:
    raise AssertionError(f"{value:#x}, {width} bytes, written to {address:#x}, where no device is")
