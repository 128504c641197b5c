"""Digests of the official evaluation inputs, so that they are recognised without the data.

`official_inputs.txt` beside this module is a table of digests, not data: one line per input in the order of the
official `y_labels.csv`: model id, first 16 hex digits of the SHA-256 of the file's bytes, label, file name. The lines
`ad01-float16` digest the same ad01 inputs rounded to float16, the form training arrays are kept in.
Lists: EEMBC energyrunner cf7c2f2 (ic01: the v0.5 list).
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from tinyperf.benchmark import benchmark as find

TABLE = Path(__file__).with_name("official_inputs.txt")


def digest(data: bytes) -> str:
    """First 16 hex digits of the SHA-256 of an input as it lies on disk (kws 490 bytes, vww 27648, ic 3072, ad 102400).

    For ad, the bytes of a float16 array [200, 128] are recognised as well.
    """
    return hashlib.sha256(data).hexdigest()[:16]


@dataclass(frozen=True)
class Official:
    """One official input."""

    digest: str
    label: int
    name: str


def digests(benchmark: str) -> frozenset[str]:
    """Digests of all official inputs of one benchmark (`kws`, `vww`, `ic`, `ad`).

    Raises: UsageError: no such benchmark.
    """
    model_id = find(benchmark).inputs_id
    return frozenset(row.digest for listed in (model_id, f"{model_id}-float16") for row in _table().get(listed, ()))


def inputs(benchmark: str) -> tuple[Official, ...]:
    """The official inputs in the official order; the first five are the performance inputs.

    Raises: UsageError: no such benchmark.
    """
    return _table()[find(benchmark).inputs_id]


@functools.cache
def _table() -> dict[str, tuple[Official, ...]]:
    found: dict[str, list[Official]] = {}
    for line in TABLE.read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            model_id, short, label, name = line.split()
            found.setdefault(model_id, []).append(Official(short, int(label), name))
    return {model_id: tuple(rows) for model_id, rows in found.items()}
