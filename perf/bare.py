"""A model on the core and the memories of a chip, without a board around it: what each layer takes there.

A whole firmware takes many seconds to build; here only model.c is compiled, and its functions are called. Cycle model,
flash and caches are those of the virtual board, set as the firmware sets them.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from tests.m4 import initialized
from tinyperf import chip as chips
from tinyperf.chip import Region
from tinyperf.firmware.render import ALIGNMENT, DATA_BYTES
from tinyperf.session.costs import Layers
from tinyperf.virtual.board import chips as virtual_chips
from tinyperf.virtual.board.cpu import Cpu
from tinyperf.virtual.board.cycles import DetailedModel
from tinyperf.virtual.board.image import load
from tinyperf.virtual.board.memory import memory_system
from tinyperf.virtual.board.memory.system import FlashSettings
from tinyperf.virtual.board.pipelines import cycle_model

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tinyperf.chip import Chip
    from tinyperf.engines import Generated
    from tinyperf.session.costs import LayerCost

CHIP = "stm32l4r5"
SETTINGS = {
    CHIP: FlashSettings(wait_states=5, prefetch=True),
    "stm32u575": FlashSettings(wait_states=4, prefetch=True, ways=2),
    "stm32f746": FlashSettings(wait_states=7, prefetch=True, data_cache=False),
}
"""By chip, as its clock.c sets them at its fastest clock."""
STACK_BYTES = 0x4000
BKPT = b"\x00\xbe\x00\xbe"
"""At the end of the flash, where functions return to that are called here."""
MOST_INSTRUCTIONS = 1 << 40
SCRIPT = """
ENTRY(tp_model_invoke)
MEMORY {{ flash (rx) : ORIGIN = {flash.origin:#x}, LENGTH = {flash.bytes}
         ram (rwx) : ORIGIN = {ram:#x}, LENGTH = {ram_bytes} }}
SECTIONS {{
  .text : {{ *(.text*) *(.rodata*) *(.data .data.[!t]*) }} > flash
  .ARM.exidx : {{ *(.ARM.exidx*) }} > flash
  .bss (NOLOAD) : {{ *(.bss*) *(COMMON) }} > ram
  {arena_first}
  .data MAX(., ORIGIN(ram) + LENGTH(ram) - {end_bytes}) : {{ *(.data.tp_weights) }} > ram AT > flash
  {arena_last}
}}
"""
ARENA = ".arena (NOLOAD) : { *(.arena) } > ram"
KEEP = "-Wl,--undefined=tp_model_init,--undefined=tp_model_input,--undefined=tp_model_output"
CALL = re.compile(r"^    (tp_layer_\w+)\(\);\n", re.MULTILINE)
"""Of a layer, in the function that infers. A layer that nothing calls is not compiled."""
FLAGS = ("-O2", "-ffp-contract=off", "-fno-common", "-ffunction-sections", "-fdata-sections", "-ffreestanding")


def layers(
    generated: Generated, app: Path, folder: Path, name: str = CHIP, only: Collection[str] | None = None
) -> tuple[LayerCost, ...]:
    """What each layer of one inference takes on a chip of SETTINGS.

    Args: app: the firmware's headers; folder: an empty one, to build in; only: symbols of the layers that are run, the
        others cost nothing: cycles hang on no data but that of a few kernels (softmax, floats).
    """
    chip = chips.load(name)
    ram, top = _ram(chip)
    for file, text in generated.sources.items():
        left = text if only is None else CALL.sub(lambda call: call[0] if call[1] in only else "", text)
        (folder / file).write_text(left, encoding="utf-8")
    own_arena = chip.link is not None and chip.link.arena is not None
    last = generated.resident_bytes > 0 and not own_arena  # beside the weights, as a firmware has them
    end_bytes = generated.resident_bytes + (generated.arena_bytes if last else 0) + DATA_BYTES
    script = SCRIPT.format(
        flash=chip.memories[0],
        ram=ram,
        ram_bytes=top - STACK_BYTES - ram,
        end_bytes=-(-end_bytes // ALIGNMENT) * ALIGNMENT,
        arena_first="" if last else ARENA,
        arena_last=ARENA if last else "",
    )
    (folder / "bare.ld").write_text(script, encoding="utf-8")
    argv = ["arm-none-eabi-gcc", *chip.core.gcc_flags, *FLAGS, f"-I{app}", "-nostartfiles", "-nostdlib"]
    argv += ["-Wl,-Tbare.ld", "-Wl,--no-warn-rwx-segments", KEEP, "model.c", "-lc_nano", "-lgcc", "-lm", "-o", "a.elf"]
    subprocess.run(argv, cwd=folder, check=True)
    bench = Bench(chip, folder / "a.elf", generated)
    return bench.measure()


def _ram(chip: Chip) -> tuple[int, int]:
    """Where the RAM begins that comes first, and where the last that adjoins it ends."""
    first, *others = (memory for memory in chip.memories if memory.kind == "ram")
    top = first.origin + first.bytes
    for memory in others:
        top += memory.bytes if memory.origin == top else 0
    return first.origin, top


class Bench:
    """The core with its memories, and the ELF in them."""

    def __init__(self, chip: Chip, elf: Path, generated: Generated) -> None:
        flash = chip.memories[0]
        self.image = load(elf, Region(origin=flash.origin, bytes=flash.bytes))
        memories = virtual_chips.memories(chip.memories)
        self.cpu = Cpu(chip.core, memories, (), _read, _write)
        memory = memory_system(chip, lambda: SETTINGS[chip.name])
        self._model = DetailedModel(self.cpu, cycle_model(chip.core, chip.memories, memory), memory)
        self.causes = self._model.causes
        _, self._top = _ram(chip)
        self._stop = flash.origin + flash.bytes - len(BKPT)
        for address, data in (*self.image.segments, *initialized(elf, self.image), (self._stop, BKPT)):
            if not self.cpu.program(address, data):
                raise RuntimeError(f"no memory at {address:#x}")
        self._symbols = {symbol.name: symbol.address for symbol in self.image.symbols}
        self._watch = Layers(self, generated.layers)
        self.call("tp_model_init")

    def call(self, symbol: str) -> None:
        self.cpu.set_frame([0])
        self.cpu.set("sp", self._top)
        self.cpu.set("lr", self._stop | 1)
        self._model.begin()
        ran = self.cpu.run(self._symbols[symbol], MOST_INSTRUCTIONS)
        self._model.end(ran.executed)
        if ran.why != "bkpt":
            raise RuntimeError(f"{symbol} ended with {ran}")

    def measure(self) -> tuple[LayerCost, ...]:
        """One inference on warm caches; `tinyperf profile` takes half of two, with serial output around them."""

        def infer(inferences: int) -> None:
            for _ in range(inferences):
                self.call("tp_model_invoke")

        infer(1)
        self._model.attach()
        self._model.observer = self._watch.block
        counted = self._watch.counting(infer)
        infer(1)
        counted(0)
        counted(1)
        return self._watch.costs(1)


def _read(address: int, width: int) -> int:
    raise RuntimeError(f"{width} bytes read at {address:#x}, where no device is")


def _write(address: int, width: int, value: int) -> None:
    raise RuntimeError(f"{value:#x}, {width} bytes, written to {address:#x}, where no device is")
