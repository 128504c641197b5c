"""The bytes of a .tflite with other inputs, outputs and fewer operators, for runtimes that take nothing but a file.

Nothing moves: the vectors of the first subgraph are written over where they stand. A table that nobody leads to any
more is no harm.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# Fields of the schema's SubGraph, as slots of its vtable.
INPUTS, OUTPUTS, OPERATORS = 6, 8, 10


def cut(data: bytes, inputs: Sequence[int], outputs: Sequence[int], dropped: Collection[int]) -> bytes:
    """`data` with these tensors as inputs and outputs, as many as it has, and without the operators `dropped`."""
    import tflite

    table = tflite.Model.GetRootAs(data, 0).Subgraphs(0)._tab  # noqa: SLF001  # the package gives no other way
    out = bytearray(data)
    for slot, tensors in ((INPUTS, inputs), (OUTPUTS, outputs)):
        struct.pack_into(f"<{len(tensors)}i", out, _start(table, slot), *tensors)
    start = _start(table, OPERATORS)
    (count,) = struct.unpack_from("<I", data, start - 4)
    places = [start + 4 * i for i in range(count)]
    # An offset counts from where it stands.
    kept = [at + struct.unpack_from("<I", data, at)[0] for i, at in enumerate(places) if i not in dropped]
    struct.pack_into("<I", out, start - 4, len(kept))
    for at, target in zip(places, kept, strict=False):
        struct.pack_into("<I", out, at, target - at)
    return bytes(out)


def _start(table: Any, slot: int) -> int:
    """Where a vector's first entry stands, behind its length."""
    start: int = table.Vector(table.Offset(slot))
    return start
