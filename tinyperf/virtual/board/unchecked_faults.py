"""Faults that Unicorn does not raise: instructions that this core lacks, floating point before CPACR, and unaligned
LDRD, STRD, LDM, STM, VLDR, VSTR.

Every newly translated block is scanned; where it holds such an instruction it is stepped through the first time and
checked. So the check costs nothing later, and sees each instruction's first execution only. (In IT blocks, which may
be skipped, only instructions that the core lacks are seen, and are reported at the IT.)

Which instructions Unicorn's models execute though the core does not have them was tried out one by one (2.1.4); of
what is not in the table it was seen that the model refuses it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyperf.cores import Core, Feature
    from tinyperf.errors import FaultError
    from tinyperf.virtual.board.waiting import Stepped


class Special(NamedTuple):
    """An instruction to look at before it runs; `base`: register whose two low bits must be 0, or -1."""

    address: int
    kind: Literal["fp", "align", "lacks"]
    base: int = -1
    lacks: str = ""


def _it(first: int, second: int | None) -> bool:
    return second is None and first & 0xFF00 == 0xBF00 and bool(first & 15)


def _narrow_branch(first: int, second: int | None) -> bool:
    """CBZ, CBNZ."""
    return second is None and first & 0xF500 == 0xB100


def _basepri(first: int, second: int | None) -> bool:
    """CPS f; MSR and MRS of BASEPRI, BASEPRI_MAX, FAULTMASK."""
    if second is None:
        return first & 0xFFE9 == 0xB661
    moves = (first & 0xFFF0 == 0xF380 and second & 0xFF00 == 0x8800) or (first == 0xF3EF and second & 0xF000 == 0x8000)
    return moves and second & 0xFF in {17, 18, 19}


def _dsp(first: int, second: int | None) -> bool:
    if second is None:
        return False
    kind = first & 0xFFF0
    if first & 0xFF80 == 0xFA80:  # parallel addition and subtraction; QADD, QSUB, QDADD, QDSUB; SEL
        saturating = kind == 0xFA80 and second & 0xF0C0 == 0xF080
        return second & 0xF080 == 0xF000 or saturating or (kind == 0xFAA0 and second & 0xF0F0 == 0xF080)
    if first & 0xFF80 == 0xFA00 and second & 0xF080 == 0xF080:  # SXTB16, UXTB16, and whatever extends and adds
        return kind in {0xFA20, 0xFA30} or first & 15 != 15
    if first & 0xFF80 == 0xFB00:  # all but MUL, MLA, MLS
        return bool(first & 0x70)
    if first & 0xFF80 == 0xFB80:  # SMLALBB, SMLALD, SMLSLD and their kin; UMAAL
        group, operation = first >> 4 & 7, second >> 4 & 15
        return (group in {4, 5} and operation >= 8) or (group == 6 and operation == 6)
    return kind == 0xEAC0 or (kind in {0xF320, 0xF3A0} and not second & 0x70C0)  # PKHBT, PKHTB; SSAT16, USAT16


def _fp(first: int, second: int | None) -> bool:
    """Coprocessors 10 and 11."""
    return second is not None and first & 0xEC00 == 0xEC00 and second >> 9 & 7 == 5


def _double(first: int, second: int | None) -> bool:
    """Arithmetic and conversion; loads, stores and moves of double registers are single precision's too."""
    if second is None or first & 0xEF00 != 0xEE00 or second & 0x0E10 != 0x0A00:
        return False
    widens = first & 0xFFBF == 0xEEB7 and second & 0x0FD0 == 0x0AC0  # VCVT.F64.F32
    return bool(second & 0x100) or widens


CHECKED: dict[Feature, tuple[str, Callable[[int, int | None], bool]]] = {
    "it": ("IT blocks", _it),
    "wide": ("CBZ and CBNZ", _narrow_branch),
    "basepri": ("BASEPRI and FAULTMASK", _basepri),
    "dsp": ("the DSP instructions", _dsp),
    "fpu": ("floating point", _fp),
    "fpu_double": ("double precision", _double),
}
"""Features whose absence is looked for -> what is lacking, and how its instructions are told. Source: DDI 0403, A5."""


def specials(address: int, code: bytes, core: Core) -> list[Special]:
    """The instructions of a block of Thumb code that Unicorn would not check for this core."""
    halves = struct.unpack(f"<{len(code) // 2}H", code[: len(code) & ~1])
    missing = [CHECKED[feature] for feature in CHECKED if feature not in core.features]
    found: list[Special] = []
    at, conditional, block = 0, 0, 0
    while at < len(halves):
        first = halves[at]
        wide = first >> 11 in {0x1D, 0x1E, 0x1F} and at + 1 < len(halves)
        second = halves[at + 1] if wide else None
        lacks = next((name for name, told in missing if told(first, second)), None)
        if lacks is not None:
            found.append(Special(address + 2 * (block if conditional else at), "lacks", lacks=lacks))
        if _it(first, second):
            conditional = 5 - (first & -first & 15).bit_length() + 1
            block = at
        elif not conditional and lacks is None:
            found += _special(address + 2 * at, first, second)
        conditional = max(0, conditional - 1)
        at += 2 if wide else 1
    return found


def _special(address: int, first: int, second: int | None) -> list[Special]:
    base = first & 15
    if second is None:
        return [Special(address, "align", first >> 8 & 7)] if first & 0xF000 == 0xC000 else []  # LDM, STM
    if _fp(first, second):
        memory = first & 0xFE00 == 0xEC00 and first & 0xFFE0 != 0xEC40
        return [Special(address, "fp", base if memory and base != 15 else -1)]
    double = first & 0xFE40 == 0xE840 and first & 0x0120
    multiple = first & 0xFE40 == 0xE800 and first >> 7 & 3 in {1, 2}
    return [Special(address, "align", base)] if (double or multiple) and base not in {13, 15} else []


class UncheckedFaults:
    """Looks at each block before it first runs. `fault`: makes the error of one that was found."""

    def __init__(
        self, core: Core, stepped: Stepped, fpu_enabled: Callable[[], bool], fault: Callable[[str, str], FaultError]
    ) -> None:
        self._core, self._stepped, self._fpu_enabled, self._fault = core, stepped, fpu_enabled, fault
        self._waiting: Sequence[Special] = ()
        self._checked: set[int] = set()
        self._walking = False

    def stop_before(self, address: int, size: int) -> bool:
        """A block is about to run for the first time; whether the core must stop in front of it, for `walk`."""
        found = self._unchecked(address, size) if not self._walking else []
        if found:
            self._waiting = found
        return bool(found)

    def knows(self, address: int, size: int) -> bool:
        """There is nothing in this block that was not checked."""
        return not self._unchecked(address, size)

    def _unchecked(self, address: int, size: int) -> list[Special]:
        view = self._stepped.cpu.view(address, size)
        code = bytes(view) if view is not None else b""
        return [one for one in specials(address, code, self._core) if one.address not in self._checked]

    def walk(self) -> None:
        """Step through the block in front of which the core stopped, checking what was found in it."""
        waiting, self._waiting = self._waiting, ()
        core = self._stepped
        self._walking = True
        try:
            for one in waiting:
                self._checked.add(one.address)
                while core.pc < one.address and core.step(1) == "limit":
                    pass
                if core.pc != one.address:
                    return  # an exception or a wait came first
                self._check(one)
        finally:
            self._walking = False

    def _check(self, one: Special) -> None:
        if one.kind == "lacks":
            means = f"no instruction of this core: the {self._core.title} of this chip lacks {one.lacks}"
            raise self._fault("undefined instruction", means)
        if one.kind == "fp" and not self._fpu_enabled():
            raise self._fault("NOCP", "")
        if one.base >= 0:
            value = self._stepped.cpu.registers()[one.base]
            if value & 3:
                raise self._fault(f"UNALIGNED, r{one.base} = {value:#010x}", "")
