"""Thumb code as instructions, of each what the cycle models need to know; Capstone decodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tinyperf.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal[
    "alu",
    "multiply",
    "divide",
    "load",  # one register
    "store",
    "load_double",
    "store_double",
    "load_many",
    "store_many",
    "branch",
    "conditional",
    "call",
    "indirect",  # BX, BLX, and whatever else writes PC
    "compare_branch",
    "table_branch",
    "it",
    "nop",
    "fp",
    "fp_multiply_add",
    "fp_divide",
    "fp_move_two",
    "fp_load",
    "fp_store",
]
BRANCHES: frozenset[Kind] = frozenset(
    {"branch", "conditional", "call", "indirect", "compare_branch", "table_branch"},
)
LOADS: frozenset[Kind] = frozenset({"load", "load_double", "load_many", "fp_load"})
STORES: frozenset[Kind] = frozenset({"store", "store_double", "store_many", "fp_store"})

BYTES = {
    "b": 1,
    "sb": 1,
    "h": 2,
    "sh": 2,
    "": 4,
    "ex": 4,
    "exb": 1,
    "exh": 2,
    "bt": 1,
    "ht": 2,
    "t": 4,
    "sbt": 1,
    "sht": 2,
}
"""Of LDR and STR, by what follows these letters."""
NAMES = {f"r{n}": n for n in range(16)} | {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}
SP, PC = 13, 15
CONDITIONS = {"eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "cs", "cc"}
ACCUMULATOR_FOURTH = {
    *("mla", "mls", "smlabb", "smlabt", "smlatb", "smlatt", "smlad", "smladx", "smlsd", "smlsdx", "smlawb", "smlawt"),
    *("smmla", "smmlar", "smmls", "smmlsr", "usada8"),
}
EXTEND_ADD = {"sxtab", "sxtah", "sxtab16", "uxtab", "uxtah", "uxtab16"}
SHIFTS = {"lsl", "lsr", "asr", "ror", "rrx", "lsls", "lsrs", "asrs", "rors"}
SUMS = {"mov", "movw", "add", "addw", "sub", "subw", "lsl"}
FIELDS = {"bfi", "bfc", "ubfx", "sbfx"}
EXTENDS = {"sxtb", "sxth", "sxtb16", "uxtb", "uxth", "uxtb16"}


class Sum(NamedTuple):
    """Register `made` becomes `first` + (`second` << `shift`) + `constant`; -1: no register."""

    made: int
    first: int
    second: int
    shift: int
    constant: int


@dataclass
class Instruction:
    """What the rules need to know of one instruction. Registers are bits of a word, r0 is bit 0.

    words, bytes: of what it loads or stores. loaded: the register of a single load, else -1.
    base, index, shift, offset: the memory operand's; -1 where there is none. step: what `base` grows by.
    literal: the address of a load relative to PC. stored: registers whose values a store takes.
    accumulates: registers that are only added to a product or an extended value.
    shifted: an operand is a shifted register: by LSL, or otherwise. wide_constant: one that is no byte's pattern.
    last_read: the last of its registers, as a bit. fp_reads, fp_writes: s0 to s31 as bits.
    total: what it makes of registers, where that is a sum.
    """

    address: int
    size: int
    name: str
    kind: Kind = "alu"
    words: int = 0
    bytes: int = 0
    reads: int = 0
    writes: int = 0
    address_registers: int = 0
    loaded: int = -1
    base: int = -1
    index: int = -1
    shift: int = 0
    offset: int = 0
    writeback: bool = False
    post_indexed: bool = False
    step: int = 0
    literal: int | None = None
    stored: int = 0
    accumulates: int = 0
    shifted: Literal["", "lsl", "other"] = ""
    wide_constant: bool = False
    sets_flags: bool = False
    reads_flags: bool = False
    last_read: int = 0
    fp_reads: int = 0
    fp_writes: int = 0
    total: Sum | None = None

    @property
    def writes_pc(self) -> bool:
        return bool(self.writes >> PC & 1)


@dataclass(frozen=True)
class Access:
    """One access of a group, `offset` from the group's address; `position`: its instruction's in the block."""

    position: int
    offset: int
    bytes: int
    store: bool


@dataclass
class Group:
    """Accesses of a block whose address follows from the same registers at the block's start.

    The address is register `base`, or, where `pointer` is given, what lies in memory at `base` + `pointer`; to that
    register `index` << `shift` is added. `base` of -1: none, offsets are addresses.
    """

    base: int
    index: int = -1
    shift: int = 0
    pointer: int | None = None
    accesses: list[Access] = field(default_factory=list)


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
        return [self._instruction(raw) for raw in self._md.disasm(code, address)]

    def _instruction(self, raw: Any) -> Instruction:
        one = Instruction(raw.address, raw.size, raw.mnemonic.split(".")[0])
        if raw.id == 0:  # data between code
            return one
        one.name = self._plain(raw)
        reads, writes = raw.regs_access()
        one.reads, one.writes = self._mask(reads), self._mask(writes)
        if one.name.startswith("v"):
            one.fp_reads, one.fp_writes = self._fp_mask(reads), self._fp_mask(writes)
        one.sets_flags = raw.update_flags or one.name in {"cmp", "cmn", "tst", "teq"}
        conditional = raw.cc not in {self._arm.ARM_CC_AL, self._arm.ARM_CC_INVALID}
        one.reads_flags = conditional or any(raw.reg_name(register) == "cpsr" for register in reads)
        one.kind = _kind(one, len(raw.operands), conditional=conditional)
        if one.kind in {"load_many", "store_many"}:
            self._many(one, raw)
        elif one.kind in LOADS or one.kind in STORES or one.kind == "table_branch":
            self._memory(one, raw)
        elif one.kind == "multiply":
            self._multiply(one, raw)
        elif one.kind == "alu":
            self._alu(one, raw)
        return one

    def _plain(self, raw: Any) -> str:
        """The mnemonic without condition and width."""
        name: str = raw.mnemonic.split(".")[0]
        conditional = raw.cc not in {self._arm.ARM_CC_AL, self._arm.ARM_CC_INVALID}
        if conditional and not name.startswith("it") and len(name) > 2 and name[-2:] in CONDITIONS:
            name = name[:-2]
        return {"ldmia": "ldm", "stmia": "stm", "vldm": "vldmia", "vstm": "vstmia"}.get(name, name)

    def _number(self, register: int) -> int:
        """0 to 15; -1 for another register."""
        if register not in self._numbers:
            self._numbers[register] = NAMES.get(self._md.reg_name(register) or "", -1)
        return self._numbers[register]

    def _mask(self, registers: Sequence[int]) -> int:
        mask = 0
        for register in registers:
            if (number := self._number(register)) >= 0:
                mask |= 1 << number
        return mask

    def _fp_mask(self, registers: Sequence[int]) -> int:
        mask = 0
        for name in map(self._md.reg_name, registers):
            if name and name[0] in "sd" and name[1:].isdigit():
                mask |= 1 << int(name[1:]) if name[0] == "s" else 3 << 2 * int(name[1:])
        return mask

    def _listed(self, raw: Any) -> list[int]:
        return [self._number(o.reg) for o in raw.operands if o.type == self._arm.ARM_OP_REG]

    def _many(self, one: Instruction, raw: Any) -> None:
        listed = self._listed(raw)
        stack = one.name in {"push", "pop", "vpush", "vpop"}
        one.base, one.words = (SP, len(listed)) if stack else (listed[0], len(listed) - 1)
        if one.name.startswith("v") and raw.op_str.rstrip("}").split(",")[-1].strip().lstrip("{").startswith("d"):
            one.words *= 2
        one.bytes = 4 * one.words
        one.address_registers = 1 << one.base if one.base >= 0 else 0
        one.writeback = bool(raw.writeback) or stack
        down = one.name in {"push", "vpush"} or one.name.endswith("db")
        one.offset = -one.bytes if down else 0
        one.step = (-one.bytes if down else one.bytes) if one.writeback else 0
        if one.kind == "store_many":
            one.stored = one.reads & ~one.address_registers

    def _memory(self, one: Instruction, raw: Any) -> None:
        arm = self._arm
        cell = next((o for o in raw.operands if o.type == arm.ARM_OP_MEM), None)
        listed = self._listed(raw)
        one.bytes = _bytes(one, raw.op_str)
        one.words = max(1, one.bytes // 4)
        if one.kind == "load":
            one.loaded = listed[0]
        elif one.kind in {"store", "store_double"}:
            one.stored = sum(1 << n for n in listed[: 2 if one.kind == "store_double" else 1] if n >= 0)
        if cell is None:
            return
        one.base = self._number(cell.mem.base)
        one.index = self._number(cell.mem.index) if cell.mem.index else -1
        one.shift = cell.shift.value if one.index >= 0 else 0
        one.offset = cell.mem.disp
        one.address_registers = sum(1 << n for n in {one.base, one.index} if n >= 0)
        one.writeback = bool(raw.writeback)
        one.post_indexed = one.writeback and not raw.op_str.rstrip().endswith("!")
        if one.post_indexed:
            trailing = raw.operands[-1]
            fixed = trailing.type == arm.ARM_OP_IMM
            one.step = (-trailing.imm if trailing.subtracted else trailing.imm) if fixed else one.offset
            one.offset = 0
        elif one.writeback:
            one.step = one.offset
        if one.base == PC:
            one.literal = (one.address + 4 & ~3) + one.offset

    def _multiply(self, one: Instruction, raw: Any) -> None:
        listed = self._listed(raw)
        if one.name in ACCUMULATOR_FOURTH:
            one.accumulates = 1 << listed[3]
            factors = listed[1:3]
        elif one.name.startswith(("smlal", "umlal", "smlsld", "umaal")):
            one.accumulates = 1 << listed[0] | 1 << listed[1]
            factors = listed[2:4]
        else:
            return
        one.reads = sum(1 << n for n in {*factors})
        one.accumulates &= ~one.reads

    def _alu(self, one: Instruction, raw: Any) -> None:
        arm = self._arm
        last = raw.operands[-1] if raw.operands else None
        listed = self._listed(raw)
        if listed and listed[-1] >= 0:
            one.last_read = 1 << listed[-1]
        if one.name in EXTEND_ADD:
            one.reads = 1 << listed[2]
            one.accumulates = 1 << listed[1] & ~one.reads
        elif one.name in SHIFTS | EXTENDS | FIELDS or last is None:
            pass
        elif last.type == arm.ARM_OP_REG and last.shift.type and last.shift.value:
            one.shifted = "lsl" if last.shift.type == arm.ARM_SFT_LSL else "other"
        elif last.type == arm.ARM_OP_IMM and one.size == 4:
            one.wide_constant = not _pattern(one.name, last.imm & 0xFFFF_FFFF)
        if one.shifted != "other":
            one.total = self._sum(one.name.removesuffix("s"), raw)

    def _sum(self, name: str, raw: Any) -> Sum | None:
        registers = self._listed(raw)
        constants = [o.imm for o in raw.operands if o.type == self._arm.ARM_OP_IMM]
        if name not in SUMS or len(registers) + len(constants) != len(raw.operands) or not registers:
            return None
        made, last = registers[0], raw.operands[-1]
        if min(registers) < 0 or registers[-1] == PC:
            return None
        if name == "lsl":
            shift = last.imm if constants else last.shift.value
            return Sum(made, -1, registers[1], shift, 0) if len(registers) == 2 and shift else None
        if name in {"mov", "movw"}:
            return Sum(made, -1, -1, 0, constants[0]) if constants else Sum(made, registers[-1], -1, 0, 0)
        if constants:
            return Sum(made, registers[-1], -1, 0, -constants[0] if name in {"sub", "subw"} else constants[0])
        return Sum(made, registers[-2], registers[-1], last.shift.value, 0) if name == "add" else None


def _kind(one: Instruction, operands: int, *, conditional: bool) -> Kind:
    name = one.name
    exact: dict[str, Kind] = {
        **dict.fromkeys(("sdiv", "udiv"), "divide"),
        "ldrd": "load_double",
        "strd": "store_double",
        "vldr": "fp_load",
        "vstr": "fp_store",
        **dict.fromkeys(("tbb", "tbh"), "table_branch"),
        "b": "conditional" if conditional else "branch",
        "bl": "call",
        **dict.fromkeys(("bx", "blx"), "indirect"),
        **dict.fromkeys(("cbz", "cbnz"), "compare_branch"),
        **dict.fromkeys(("nop", "wfi", "wfe", "sev", "yield"), "nop"),
    }
    if name in exact:
        return exact[name]
    prefixes: tuple[tuple[tuple[str, ...], Kind], ...] = (
        (("ldm", "vldm", "pop", "vpop"), "load_many"),
        (("stm", "vstm", "push", "vpush"), "store_many"),
        (("ldr",), "load"),
        (("str",), "store"),
        (("vfma", "vfms", "vfnm", "vmla", "vmls", "vnml"), "fp_multiply_add"),
        (("vdiv", "vsqrt"), "fp_divide"),
        (("mul", "mla", "mls", "smu", "sml", "smm", "umu", "uml", "uma", "usad"), "multiply"),
    )
    for names, kind in prefixes:
        if name.startswith(names):
            return kind
    if name.startswith("it") and not name.strip("ite"):
        return "it"
    if name == "vmov" and operands >= 3:
        return "fp_move_two"
    if name.startswith("v"):
        return "fp"
    return "indirect" if one.writes_pc else "alu"


def _bytes(one: Instruction, operands: str) -> int:
    if one.kind in {"load_double", "store_double"}:
        return 8
    if one.kind in {"fp_load", "fp_store"}:
        return 8 if operands.lstrip().startswith("d") else 4
    if one.kind == "table_branch":
        return 2 if one.name == "tbh" else 1
    return BYTES.get(one.name[3:], 4)


def _pattern(name: str, value: int) -> bool:
    """Whether a constant is a byte, the same byte two or four times, or one of the plain 12 or 16 bits."""
    if value <= 0xFF or name in {"addw", "subw", "movw", "movt"}:
        return True
    low = value & 0xFF
    return value in {low * 0x0001_0001, low * 0x0101_0101, (value >> 8 & 0xFF) * 0x0100_0100}


class _Value(NamedTuple):
    """Of a register, by registers at the block's start: as a Group's address (`other` is its index), + `offset`."""

    base: int = -1
    other: int = -1
    shift: int = 0
    pointer: int | None = None
    offset: int = 0

    def shifted(self, by: int) -> _Value | None:
        """The value << `by`; None where that has no such form."""
        if not by:
            return self
        if self.pointer is not None or (self.base >= 0 and self.other >= 0):
            return None
        register = max(self.base, self.other)
        return _Value(-1, register, self.shift + by if register >= 0 else 0, None, self.offset << by)

    def plus(self, other: _Value) -> _Value | None:
        """The sum; likewise."""
        one, two = (other, self) if other.pointer is not None else (self, other)
        if two.pointer is not None:
            return None
        registers = [(one.other, one.shift), (two.base, 0), (two.other, two.shift)]
        registers = [pair for pair in registers if pair[0] >= 0]
        base = one.base
        if base < 0 and one.pointer is None:
            plain = next((pair for pair in registers if not pair[1]), None)
            if plain:
                base = plain[0]
                registers.remove(plain)
        if len(registers) > 1:
            return None
        index, shift = registers[0] if registers else (-1, 0)
        return _Value(base, index, shift, one.pointer, one.offset + two.offset)


def groups(block: Sequence[Instruction]) -> list[Group]:
    """The accesses of a block by the registers that their addresses follow from.

    An address that a load of the same block gives is followed once (a pointer on the stack, in a literal or in a
    structure), and so is a sum of two registers, of which one may be shifted; another is not known, and left out.
    """
    known: dict[int, _Value] = {n: _Value(n) for n in range(16)}
    found: dict[tuple[int, int, int, int | None], Group] = {}
    for position, one in enumerate(block):
        accesses = one.kind in LOADS or one.kind in STORES or one.kind == "table_branch"
        place = _address(one, known) if accesses else None
        if place is not None:
            group = found.setdefault(place[:4], Group(*place[:4]))
            group.accesses.append(Access(position, place.offset, max(one.bytes, 1), one.kind in STORES))
        made = _total(one.total, known) if one.total else None
        base = known.get(one.base) if one.writeback else None
        for register in range(16):
            if one.writes >> register & 1:
                known.pop(register, None)
        if one.total and made is not None:
            known[one.total.made] = made
        if base is not None and one.index < 0:
            known[one.base] = base._replace(offset=base.offset + one.step)
        word = one.kind == "load" and one.bytes == 4 and one.loaded >= 0
        if word and place is not None and place.pointer is None and place.other < 0:
            known[one.loaded] = _Value(place.base, pointer=place.offset)
    return list(found.values())


def _address(one: Instruction, known: Mapping[int, _Value]) -> _Value | None:
    """Of its access."""
    if one.literal is not None:
        return _Value(offset=one.literal) if one.index < 0 else None
    base = known.get(one.base)
    index = known.get(one.index) if one.index >= 0 else _Value()
    if base is None or index is None:
        return None
    scaled = index.shifted(one.shift)
    place = base.plus(scaled) if scaled is not None else None
    return None if place is None else place._replace(offset=place.offset + one.offset)


def _total(total: Sum, known: Mapping[int, _Value]) -> _Value | None:
    first = known.get(total.first) if total.first >= 0 else _Value()
    second = known.get(total.second) if total.second >= 0 else _Value()
    scaled = second.shifted(total.shift) if second is not None else None
    if first is None or scaled is None:
        return None
    made = first.plus(scaled)
    return None if made is None else made._replace(offset=made.offset + total.constant)
