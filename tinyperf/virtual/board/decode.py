"""Basic blocks priced by the documented pipeline; Capstone decodes, once for each block.

Rules and their sources (TRM: Cortex-M4 Technical Reference Manual, DDI 0439, "Instruction set summary" and
"Load/store timings"; the same text stands in the Cortex-M3's):

- data processing, multiplication, SIMD: 1. SDIV, UDIV: 2 to 12.
- LDR: 2; 1 directly behind another single load, unless its address needs what that one loads. STR with an immediate
  offset: 1. STR with a register offset: 2, or 1 behind a load. Nothing is pipelined behind a store.
- LDRD, STRD: 3. LDM, STM, PUSH, POP, VLDM, VSTM of N words: 1 + N; none is pipelined with its neighbours.
- base update does not matter: the TRM has such loads "not normally pipelined", silicon has them like the others.
- an address made by the instruction just before: one more. A loaded value rotated by the next instruction: one more.
- taken branches: 1 + P, P from 1 to 3; charged where the branch lands, see cycles.py.
- floating point: 1; VMLA and its kin 3; VDIV, VSQRT 14; VLDR, VSTR 2; VMOV of two core registers 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tinyperf.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.cores import SingleIssue


@dataclass
class Load:
    """A load that may read flash: register `base` at the block's start (+ `index` << `shift`) + `offset`."""

    base: int
    index: int
    shift: int
    offset: int
    bytes: int
    quiet: int = 0


@dataclass
class Block:
    """One decoded block. `prices[i]`: cycles of its first i instructions, so that a part can be taken back."""

    end: int
    addresses: tuple[int, ...]
    prices: tuple[int, ...]
    lines: tuple[int, ...]
    target_stall: int
    literals: tuple[int, ...]
    loads: list[Load] = field(default_factory=list)


SIZES = {"ldrb": 1, "ldrsb": 1, "ldrh": 2, "ldrsh": 2, "ldr": 4, "vldr": 4, "ldrd": 8}
STORES = {"str", "strb", "strh"}
MULTIPLE = {"ldm", "ldmdb", "stm", "stmdb", "push", "pop", "vldmia", "vldmdb", "vstmia", "vstmdb", "vpush", "vpop"}
NAMES = {f"r{n}": n for n in range(16)} | {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}
PC, SP = 15, 13


class Decoder:
    """Decodes blocks for one core; `line_bytes` is the caches' line."""

    def __init__(self, core: SingleIssue, line_bytes: int) -> None:
        try:
            import capstone
        except ImportError as exc:
            raise MissingExtraError(
                "the Python package 'capstone' is not installed",
                means="the cycle model decodes instructions with it",
                hint="pip install 'tinyperf[virtual]'",
            ) from exc
        self.core, self.line_bytes = core, line_bytes
        self._md = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
        self._md.detail = True
        self._md.skipdata = True
        self._arm = capstone.arm
        self._number: dict[int, int] = {}

    def block(self, address: int, code: bytes) -> Block:
        """Price one block of Thumb code that starts at `address`."""
        instructions = [_Instruction(self, raw) for raw in self._md.disasm(code, address)]
        prices = [0]
        before: _Instruction | None = None
        for one in instructions:
            rotated = before is not None and before.single_load and one.rotates and before.loaded in one.reads
            prices.append(prices[-1] + self._price(one, before) + (self.core.rotated_use if rotated else 0))
            before = one
        first = instructions[0] if instructions else None
        end = address + len(code)
        width = self.line_bytes
        return Block(
            end=end,
            addresses=tuple(one.address for one in instructions),
            prices=tuple(prices),
            lines=tuple(range(address // width, (end - 1) // width + 1)),
            target_stall=self.core.unaligned_target if first and first.size == 4 and address & 2 else 0,
            literals=tuple(one.literal // width for one in instructions if one.literal is not None),
            loads=_loads(instructions),
        )

    def _price(self, one: _Instruction, before: _Instruction | None) -> int:
        core = self.core
        name = one.name
        if name in {"sdiv", "udiv"}:
            return core.divide
        if name in MULTIPLE:
            return 1 + one.words
        if one.double:
            return 3 + self._stall(one, before)
        if name in SIZES:
            pipelined = before is not None and before.single_load and before.loaded not in one.address_registers
            return (1 if pipelined else 2) + self._stall(one, before)
        if name in STORES or name == "vstr":
            if name == "vstr":
                return 2
            behind_load = before is not None and before.single_load
            return (core.register_store if one.indexed and not behind_load else 1) + self._stall(one, before)
        if name.startswith(("vfma", "vfms", "vfnm", "vmla", "vmls", "vnml")):
            return core.fp_mac
        if name.startswith(("vdiv", "vsqrt")):
            return core.fp_divide
        if name == "vmov" and one.operands >= 3:
            return 2
        if name in {"tbb", "tbh"}:
            return 2
        return 1

    def _stall(self, one: _Instruction, before: _Instruction | None) -> int:
        """An address that the data-processing instruction just before made."""
        if before is None or before.memory or not before.writes & one.address_registers:
            return 0
        return self.core.address_stall

    def number(self, register: int) -> int:
        """0 to 15 for a core register of Capstone's, -1 for another."""
        found = self._number.get(register)
        if found is None:
            found = self._number[register] = NAMES.get(self._md.reg_name(register) or "", -1)
        return found


class _Instruction:
    """What the rules need to know of one instruction."""

    def __init__(self, decoder: Decoder, raw: Any) -> None:
        arm = decoder._arm  # noqa: SLF001  (one class in two halves)
        self.address, self.size = raw.address, raw.size
        self.literal: int | None = None
        self.writes: frozenset[int] = frozenset()
        self.reads: frozenset[int] = frozenset()
        self.rotates = False
        self.address_registers: frozenset[int] = frozenset()
        self.words, self.operands, self.indexed, self.post = 0, 0, False, 0
        self.single_load = self.double = self.memory = self.writeback = False
        self.base, self.index, self.shift, self.offset, self.loaded = -1, -1, 0, 0, -1
        self.copy: tuple[int, int, int] | None = None  # register = register + constant
        self.name = raw.mnemonic.split(".")[0]
        if raw.id == 0:  # data between code
            return
        self.name = _plain(raw, arm)
        operands = raw.operands
        self.operands = len(operands)
        reads, writes = raw.regs_access()
        self.rotates = "ror" in raw.op_str
        self.reads = frozenset(n for n in map(decoder.number, reads) if n >= 0)
        number = decoder.number
        self.writes = frozenset(n for n in map(number, writes) if n >= 0)
        self.double = self.name in {"ldrd", "strd"}
        if self.name in MULTIPLE:
            self._multiple(raw, operands, number, arm)
        elif self.double or self.name in SIZES or self.name in STORES or self.name == "vstr":
            self._single(raw, operands, number, arm)
        elif self.name in {"add", "sub", "adds", "subs", "mov", "addw", "subw"}:
            self._linear(operands, number, arm)

    def _single(self, raw: Any, operands: Any, number: Any, arm: Any) -> None:
        self.memory = True
        cell = next((o for o in operands if o.type == arm.ARM_OP_MEM), None)
        if cell is None:
            return
        self.base = number(cell.mem.base)
        self.index = number(cell.mem.index) if cell.mem.index else -1
        self.indexed = self.index >= 0
        self.shift = cell.shift.value if self.indexed else 0
        self.offset = cell.mem.disp
        self.writeback = bool(raw.writeback)
        trailing = operands[-1]
        if self.writeback and trailing.type == arm.ARM_OP_IMM:  # post-indexed: [rn], #imm
            self.post = -trailing.imm if trailing.subtracted else trailing.imm
        elif self.writeback:
            self.post = self.offset
        if self.writeback and raw.post_index and trailing.type != arm.ARM_OP_IMM:
            self.post, self.offset = self.offset, 0
        self.address_registers = frozenset(r for r in (self.base, self.index) if r >= 0)
        self.words = 2 if self.double else 1
        if self.base == PC:
            self.literal = (self.address + 4 & ~3) + self.offset
        self.loaded = number(operands[0].reg)
        self.single_load = self.name in SIZES and not self.double and PC not in self.writes

    def _multiple(self, raw: Any, operands: Any, number: Any, arm: Any) -> None:
        self.memory = True
        listed = [o for o in operands if o.type == arm.ARM_OP_REG]
        if self.name in {"push", "pop", "vpush", "vpop"}:
            self.base, self.words = SP, len(listed)
        else:
            self.base, self.words = number(listed[0].reg), len(listed) - 1
        if self.name.startswith("v") and raw.op_str.rstrip("}").split(",")[-1].strip().startswith("d"):
            self.words *= 2
        self.writeback = bool(raw.writeback)
        self.post = 4 * self.words
        self.address_registers = frozenset({self.base})

    def _linear(self, operands: Any, number: Any, arm: Any) -> None:
        registers = [number(o.reg) for o in operands if o.type == arm.ARM_OP_REG]
        constants = [o.imm for o in operands if o.type == arm.ARM_OP_IMM]
        if len(registers) + len(constants) != len(operands) or not registers or any(r < 0 for r in registers):
            return
        if self.name == "mov" and len(registers) == 2:
            self.copy = (registers[0], registers[1], 0)
        elif self.name != "mov" and len(constants) == 1 and len(operands) >= 2:
            sign = -1 if self.name.startswith("sub") else 1
            self.copy = (registers[0], registers[-1], sign * constants[0])


def _plain(raw: Any, arm: Any) -> str:
    """The mnemonic without condition and width."""
    name: str = raw.mnemonic.split(".")[0]
    if raw.cc not in {arm.ARM_CC_AL, arm.ARM_CC_INVALID} and name not in {"it", "itt", "ite"}:
        condition = raw.mnemonic.split(".")[0][-2:]
        if condition in CONDITIONS:
            name = name[:-2]
    return {"ldmia": "ldm", "stmia": "stm", "vldm": "vldmia", "vstm": "vstmia"}.get(name, name)


CONDITIONS = {"eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "cs", "cc"}


def _loads(instructions: Sequence[_Instruction]) -> list[Load]:
    """The loads whose address follows from registers at the block's start; the stack and literals need no watching."""
    known: dict[int, tuple[int, int] | None] = {n: (n, 0) for n in range(16)}
    found = []
    for one in instructions:
        if (
            one.memory
            and (one.name in SIZES or one.name in {"ldm", "ldmdb", "vldmia"})
            and one.base not in {SP, PC, -1}
        ):
            base = known[one.base]
            index = known[one.index] if one.index >= 0 else (-1, 0)
            if base and index:
                start = 0 if one.name in MULTIPLE else one.offset + (index[1] << one.shift)
                size = 4 * one.words if one.name in MULTIPLE else SIZES[one.name]
                start -= size if one.name == "ldmdb" else 0
                found.append(Load(base[0], index[0], one.shift, base[1] + start, size))
        source = known.get(one.copy[1]) if one.copy else None
        base = known.get(one.base) if one.writeback else None
        for register in one.writes:
            known[register] = None
        if one.copy and source:
            known[one.copy[0]] = (source[0], source[1] + one.copy[2])
        if one.writeback and base and not one.indexed:
            known[one.base] = (base[0], base[1] + (-one.post if one.name.endswith("db") else one.post))
    return found
