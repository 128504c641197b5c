"""Two faults that Unicorn does not raise: floating point before CPACR, and unaligned LDRD, STRD, LDM, STM, VLDR, VSTR.

Every newly translated block is scanned; where it holds such an instruction it is stepped through the first time and
checked. So the check costs nothing later, and sees each instruction's first execution only. (Instructions in IT
blocks are not checked: they may be skipped.)
"""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple


class Special(NamedTuple):
    """An instruction to look at before it runs; `base`: register whose two low bits must be 0, or -1."""

    address: int
    kind: Literal["fp", "align"]
    base: int


def specials(address: int, code: bytes) -> list[Special]:
    """The instructions of a block of Thumb code that Unicorn would not check."""
    halves = struct.unpack(f"<{len(code) // 2}H", code[: len(code) & ~1])
    found: list[Special] = []
    at, conditional = 0, 0
    while at < len(halves):
        first = halves[at]
        wide = first >> 11 in {0x1D, 0x1E, 0x1F} and at + 1 < len(halves)
        if first & 0xFF00 == 0xBF00 and first & 15:
            conditional = 5 - (first & -first & 15).bit_length() + 1
        elif not conditional:
            found += _special(address + 2 * at, first, halves[at + 1] if wide else None)
        conditional = max(0, conditional - 1)
        at += 2 if wide else 1
    return found


def _special(address: int, first: int, second: int | None) -> list[Special]:
    base = first & 15
    if second is None:
        return [Special(address, "align", first >> 8 & 7)] if first & 0xF000 == 0xC000 else []  # LDM, STM
    if first & 0xEC00 == 0xEC00 and second >> 9 & 7 == 5:  # coprocessors 10 and 11
        memory = first & 0xFE00 == 0xEC00 and first & 0xFFE0 != 0xEC40
        return [Special(address, "fp", base if memory and base != 15 else -1)]
    double = first & 0xFE40 == 0xE840 and first & 0x0120
    multiple = first & 0xFE40 == 0xE800 and first >> 7 & 3 in {1, 2}
    return [Special(address, "align", base)] if (double or multiple) and base not in {13, 15} else []
