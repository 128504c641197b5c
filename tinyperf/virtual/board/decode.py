"""Thumb code as instructions, of each what the cycle models need to know; Capstone decodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinyperf.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass
class Load:
    """A load whose address is register `base` at the block's start (+ `index` << `shift`) + `offset`.

    `unfollowed`: how often in a row the memory system had no interest in what it read; -1: it has had once.
    """

    base: int
    index: int
    shift: int
    offset: int
    bytes: int
    unfollowed: int = 0


SIZES = {"ldrb": 1, "ldrsb": 1, "ldrh": 2, "ldrsh": 2, "ldr": 4, "vldr": 4, "ldrd": 8}
STORES = {"str", "strb", "strh"}
MULTIPLE = {"ldm", "ldmdb", "stm", "stmdb", "push", "pop", "vldmia", "vldmdb", "vstmia", "vstmdb", "vpush", "vpop"}
NAMES = {f"r{n}": n for n in range(16)} | {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}
PC, SP = 15, 13


class Disassembler:
    """Decodes Thumb code."""

    def __init__(self) -> None:
        try:
            import capstone
        except ImportError as exc:
            raise MissingExtraError(
                "the Python package 'capstone' is not installed",
                means="the cycle model decodes instructions with it",
                hint="pip install 'tinyperf[virtual]'",
            ) from exc
        self._md = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
        self._md.detail = True
        self._md.skipdata = True
        self._arm = capstone.arm
        self._numbers: dict[int, int] = {}

    def instructions(self, address: int, code: bytes) -> list[Instruction]:
        """What stands at `address`."""
        return [Instruction(raw, self._arm, self._number) for raw in self._md.disasm(code, address)]

    def _number(self, register: int) -> int:
        found = self._numbers.get(register)
        if found is None:
            found = self._numbers[register] = NAMES.get(self._md.reg_name(register) or "", -1)
        return found


class Instruction:
    """What the rules need to know of one instruction."""

    def __init__(self, raw: Any, arm: Any, number: Callable[[int], int]) -> None:
        """Args: raw, arm: Capstone's instruction and constants; number: 0 to 15 of its register, -1 for another."""
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
        self.reads = frozenset(n for n in map(number, reads) if n >= 0)
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


def loads(instructions: Sequence[Instruction]) -> list[Load]:
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
