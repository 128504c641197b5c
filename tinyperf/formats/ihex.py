"""Intel HEX, which some flash tools want: bytes at addresses, as text.

Source: Intel, Hexadecimal Object File Format Specification, 1988.

Pure. `intelhex` reads them, and is an extra; writing needs no more than this.
"""

from __future__ import annotations

RECORD_BYTES = 16
DATA, END, UPPER = 0, 1, 4


def encode(address: int, data: bytes) -> str:
    """`data` at `address`; a record of the upper half of the address wherever that changes."""
    lines, upper = [], None
    for at in range(address, address + len(data), RECORD_BYTES):
        if at >> 16 != upper:
            upper = at >> 16
            lines.append(_record(UPPER, 0, upper.to_bytes(2, "big")))
        lines.append(_record(DATA, at & 0xFFFF, data[at - address : at - address + RECORD_BYTES]))
    return "".join([*lines, _record(END, 0, b"")])


def _record(kind: int, offset: int, data: bytes) -> str:
    body = bytes([len(data), *offset.to_bytes(2, "big"), kind, *data])
    return f":{body.hex().upper()}{-sum(body) & 0xFF:02X}\n"
