"""What a .tflite says of itself beside its graph: description, metadata, signatures.

No result depends on any of it: what is damaged there reads as absent.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.tflite import Model

MOST = 64
"""Entries of a kind that are read; a file that says it has more is damaged, or for no microcontroller."""
LONGEST = 200
"""Characters of a name or description."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class Signature:
    """A named way to call the model: the caller's names of its inputs and outputs -> tensors by index."""

    key: str
    inputs: dict[str, int]
    outputs: dict[str, int]


@dataclass(frozen=True)
class Described:
    """`metadata`: the names of its entries."""

    description: str
    metadata: tuple[str, ...]
    signatures: tuple[Signature, ...]
    subgraphs: int


def described(model: Model) -> Described:
    """What the file says of itself."""
    import tflite

    root = tflite.Model.GetRootAs(model.data, 0)
    signatures = (_whole(partial(_signature, root, i)) for i in _entries(root.SignatureDefsLength))
    return Described(
        description=_text(root.Description),
        metadata=tuple(_text(partial(_metadata_name, root, i)) for i in _entries(root.MetadataLength)),
        signatures=tuple(signature for signature in signatures if signature),
        subgraphs=_whole(root.SubgraphsLength) or 0,
    )


def _whole(read: Callable[[], Read]) -> Read | None:
    """What is read, or None where the file is damaged there."""
    try:
        return read()
    except (struct.error, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, MemoryError):
        return None


def _entries(length: Callable[[], int]) -> range:
    return range(min(_whole(length) or 0, MOST))


def _text(read: Callable[[], bytes | None]) -> str:
    """On one line: what a terminal would obey is left out."""
    text = (_whole(read) or b"").decode(errors="replace")
    return "".join(c for c in text if c.isprintable())[:LONGEST]


def _metadata_name(root: Any, index: int) -> bytes | None:
    name: bytes | None = root.Metadata(index).Name()
    return name


def _signature(root: Any, index: int) -> Signature:
    raw = root.SignatureDefs(index)

    def ends(length: Callable[[], int], entry: Callable[[int], Any]) -> dict[str, int]:
        maps = [entry(i) for i in _entries(length)]
        return {_text(each.Name): int(each.TensorIndex()) for each in maps}

    return Signature(_text(raw.SignatureKey), ends(raw.InputsLength, raw.Inputs), ends(raw.OutputsLength, raw.Outputs))
