"""UF2: an image in blocks of 512 bytes, each with its own address, as the drives of many boot loaders take it.

Source: github.com/microsoft/uf2, README. Pure.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIRST, SECOND, LAST = 0x0A32_4655, 0x9E5D_5157, 0x0AB1_6F30
"""Magic numbers: two at the start of a block, one at its end."""
NOT_FOR_FLASH, HAS_FAMILY = 1, 0x2000
BLOCK_BYTES, PAYLOAD_BYTES, MOST_PAYLOAD_BYTES = 512, 256, 476
HEAD = struct.Struct("<8I")


class Block(NamedTuple):
    """One block's payload and where it goes; `family`: 0 where the block names none."""

    address: int
    data: bytes
    family: int


def encode(address: int, data: bytes, family: int) -> bytes:
    """`data`, which is to lie at `address`, a multiple of 256, for chips of `family`; filled up with zeros."""
    pieces = [data[at : at + PAYLOAD_BYTES] for at in range(0, len(data), PAYLOAD_BYTES)]
    return b"".join(
        _block(Block(address + PAYLOAD_BYTES * number, piece.ljust(PAYLOAD_BYTES, b"\0"), family), number, len(pieces))
        for number, piece in enumerate(pieces)
    )


def _block(block: Block, number: int, count: int) -> bytes:
    head = HEAD.pack(FIRST, SECOND, HAS_FAMILY, block.address, len(block.data), number, count, block.family)
    return (head + block.data).ljust(BLOCK_BYTES - 4, b"\0") + struct.pack("<I", LAST)


def decode(file: bytes) -> list[Block]:
    """The blocks that are for flash.

    Raises: UsageError: it is no UF2, is cut off, or a block's size cannot be.
    """
    if not file or len(file) % BLOCK_BYTES:
        raise UsageError(
            f"a UF2 file of {len(file)} bytes", means=f"it comes in blocks of {BLOCK_BYTES}", hint="is it whole?"
        )
    return list(_blocks(file))


def _blocks(file: bytes) -> Iterator[Block]:
    for at in range(0, len(file), BLOCK_BYTES):
        first, second, flags, address, size, _, _, family = HEAD.unpack_from(file, at)
        (last,) = struct.unpack_from("<I", file, at + BLOCK_BYTES - 4)
        if (first, second, last) != (FIRST, SECOND, LAST) or size > MOST_PAYLOAD_BYTES:
            raise UsageError(f"block {at // BLOCK_BYTES} is no UF2 block", hint="is it a UF2 file, and undamaged?")
        if not flags & NOT_FOR_FLASH:
            start = at + HEAD.size
            yield Block(address, file[start : start + size], family if flags & HAS_FAMILY else 0)


def joined(blocks: Sequence[Block]) -> list[tuple[int, bytes]]:
    """Stretches of memory: address and contents, neighbouring blocks together."""
    found: list[tuple[int, bytearray]] = []
    for block in sorted(blocks):
        if found and found[-1][0] + len(found[-1][1]) == block.address:
            found[-1][1].extend(block.data)
        else:
            found.append((block.address, bytearray(block.data)))
    return [(address, bytes(data)) for address, data in found]
