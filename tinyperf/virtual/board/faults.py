"""What a processor fault is told as: where, in which function, with which registers, and what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tinyperf.errors import FaultError
from tinyperf.virtual.board.decode import LOADS, STORES, Disassembler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.chip import Chip
    from tinyperf.virtual.board.cpu import Cpu
    from tinyperf.virtual.board.image import FirmwareImage

MEANINGS = {
    "UC_ERR_READ_UNMAPPED": "BusFault: a load from an address where this chip has nothing",
    "UC_ERR_WRITE_UNMAPPED": "BusFault: a store to an address where this chip has nothing",
    "UC_ERR_FETCH_UNMAPPED": "the program jumped to an address where this chip has no memory (a wild pointer)",
    "UC_ERR_WRITE_PROT": "BusFault: a store to flash (const data, or a wild pointer)",
    "UC_ERR_FETCH_PROT": "MemManage: execution where it is not allowed",
    "UC_ERR_INSN_INVALID": "UsageFault UNDEFINSTR: no instruction of this core",
    "UC_ERR_EXCEPTION": "UsageFault INVSTATE: a jump to an even address (Arm state)",
    "bkpt": "a breakpoint instruction, as assert() and semihosting use; no debugger is attached",
    "NOCP": "UsageFault NOCP: a floating-point instruction before CPACR enabled the FPU",
    "UNALIGNED access": "HardFault: Armv6-M loads and stores words and halfwords at their own alignment only",
    "UNALIGNED": "UsageFault UNALIGNED: LDRD, STRD, LDM and STM need word-aligned addresses",
}


class Stopped(Protocol):
    """What is left of a core that has faulted."""

    chip: Chip
    cpu: Cpu
    image: FirmwareImage
    pc: int


def report(core: Stopped, seen: str, means: str) -> FaultError:
    """The error for a fault at the core's present state; `seen` may be a name of Unicorn's or one of ours."""
    regs = core.cpu.registers()
    pc = core.pc if core.cpu.pc() in {0, core.pc} else core.cpu.pc()
    lr = regs[14]
    means = means or next((text for name, text in MEANINGS.items() if name in seen), "the core stopped")
    dump = " ".join(f"r{n}={value:08x}" for n, value in enumerate(regs[:13]))
    name = (core.chip.emulator.module if core.chip.emulator else None) or core.chip.name
    hint = "look at that line with 'arm-none-eabi-addr2line -e IMAGE.elf ADDRESS'"
    if seen.endswith("_UNMAPPED") and (address := _address(core, pc, regs)) is not None:
        seen += f", address {address:#010x}"
        hint += (
            f"; if the chip has something there: memories stand in boards/chips/{core.chip.name}.yaml, peripherals in"
            f" tinyperf/virtual/board/chips/{name}.py"
        )
    return FaultError(
        f"firmware fault at PC {core.image.place(pc)}, LR {core.image.place(lr & ~1)}: {seen}\n"
        f"{dump} sp={regs[13]:08x} lr={lr:08x} pc={pc:08x} xpsr={regs[16]:08x}",
        means=means,
        hint=hint,
    )


def _address(core: Stopped, pc: int, regs: Sequence[int]) -> int | None:
    """What the load or store at `pc` accesses; None where it is none, or its code cannot be read."""
    code = core.cpu.view(pc, 4)
    if code is None:
        return None
    one = next(iter(Disassembler().instructions(pc, bytes(code))), None)
    if one is None or one.base < 0 or one.kind not in LOADS | STORES:
        return None
    index = regs[one.index] << one.shift if one.index >= 0 else 0
    return one.literal if one.literal is not None else regs[one.base] + index + one.offset & 0xFFFF_FFFF
