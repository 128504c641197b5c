"""A model on the core and the memories of a chip, without a board around it: what each layer takes there.

A whole firmware takes many seconds to build; here only model.c is compiled, and its functions are called. Cycle model,
flash and caches are those of the virtual board, set as the firmware sets them.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tinyperf import chip as chips
from tinyperf.chip import Region
from tinyperf.session.costs import Layers
from tinyperf.virtual.board import chips as virtual_chips
from tinyperf.virtual.board.cpu import Cpu
from tinyperf.virtual.board.cycles import DetailedModel
from tinyperf.virtual.board.image import load
from tinyperf.virtual.board.memory import memory_system
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.pipelines import cycle_model

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.engines import Generated
    from tinyperf.session.costs import LayerCost

CHIP = "stm32l4r5"
SETTINGS = FlashSettings(wait_states=5, prefetch=True)
"""As its clock.c sets them at 120 MHz."""
STACK_BYTES = 0x4000
STOP, BKPT = 0x1FFF_0000, b"\x00\xbe\x00\xbe"
MOST_INSTRUCTIONS = 1 << 40
SCRIPT = """
ENTRY(tp_model_invoke)
MEMORY {{ flash (rx) : ORIGIN = {flash.origin:#x}, LENGTH = {flash.bytes}
         ram (rwx) : ORIGIN = {ram.origin:#x}, LENGTH = {ram_bytes} }}
SECTIONS {{
  .text : {{ *(.text*) *(.rodata*) *(.data*) }} > flash
  .ARM.exidx : {{ *(.ARM.exidx*) }} > flash
  .bss (NOLOAD) : {{ *(.bss*) *(COMMON) *(.arena) }} > ram
}}
"""
KEEP = "-Wl,--undefined=tp_model_init,--undefined=tp_model_input,--undefined=tp_model_output"
FLAGS = ("-O2", "-ffp-contract=off", "-fno-common", "-ffunction-sections", "-fdata-sections", "-ffreestanding")


def layers(generated: Generated, app: Path, folder: Path) -> tuple[LayerCost, ...]:
    """What each layer of one inference takes. Args: app: the firmware's headers; folder: an empty one, to build in."""
    chip = chips.load(CHIP)
    memories = {memory.name: memory for memory in chip.memories}
    flash, ram = memories["flash"], memories["sram1"]
    for name, text in generated.sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    room = ram.bytes + memories["sram2"].bytes + memories["sram3"].bytes - STACK_BYTES
    (folder / "bare.ld").write_text(SCRIPT.format(flash=flash, ram=ram, ram_bytes=room), encoding="utf-8")
    argv = ["arm-none-eabi-gcc", *chip.core.gcc_flags, *FLAGS, f"-I{app}", "-nostartfiles", "-nostdlib"]
    argv += ["-Wl,-Tbare.ld", "-Wl,--no-warn-rwx-segments", KEEP, "model.c", "-lc_nano", "-lgcc", "-lm", "-o", "a.elf"]
    subprocess.run(argv, cwd=folder, check=True)
    bench = Bench(folder / "a.elf", generated)
    return bench.measure()


class Bench:
    """The core with its memories, and the ELF in them."""

    def __init__(self, elf: Path, generated: Generated) -> None:
        chip = chips.load(CHIP)
        flash, ram = chip.memories[0], chip.memories[1]
        self.image = load(elf, Region(origin=flash.origin, bytes=flash.bytes))
        memories = virtual_chips.memories(chip.memories)
        self.cpu = Cpu(chip.core, memories, (), _read, _write)
        memory = memory_system(chip, lambda: SETTINGS)
        self._model = DetailedModel(self.cpu, cycle_model(chip.core, chip.memories, memory), memory)
        self.causes = self._model.causes
        self._top = ram.origin + sum(m.bytes for m in chip.memories if m.kind == "ram")
        for address, data in (*self.image.segments, (STOP, BKPT)):
            view = self.cpu.view(address, len(data))
            if view is None:
                raise RuntimeError(f"no memory at {address:#x}")
            view[:] = data
        self._symbols = {symbol.name: symbol.address for symbol in self.image.symbols}
        self._watch = Layers(self, generated.layers)
        self.call("tp_model_init")

    def call(self, symbol: str) -> None:
        self.cpu.set_frame([0])
        self.cpu.set("sp", self._top)
        self.cpu.set("lr", STOP | 1)
        self._model.begin()
        ran = self.cpu.run(self._symbols[symbol], MOST_INSTRUCTIONS)
        self._model.end()
        if ran.why != "bkpt":
            raise RuntimeError(f"{symbol} ended with {ran}")

    def measure(self) -> tuple[LayerCost, ...]:
        """Half of two inferences on warm caches; `tinyperf profile` likewise, with serial output around them."""

        def infer(inferences: int) -> None:
            for _ in range(inferences):
                self.call("tp_model_invoke")

        infer(1)
        self._model.attach()
        self._model.observer = self._watch.block
        counted = self._watch.counting(infer)
        infer(1)
        counted(0)
        counted(2)
        return self._watch.costs()


def _read(address: int, width: int) -> int:
    raise RuntimeError(f"{width} bytes read at {address:#x}, where no device is")


def _write(address: int, width: int, value: int) -> None:
    raise RuntimeError(f"{value:#x}, {width} bytes, written to {address:#x}, where no device is")
