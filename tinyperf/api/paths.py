"""Paths as users give them: text or `Path`; inside tinyperf they are `Path`."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

AnyPath: TypeAlias = str | Path


def maybe(path: AnyPath | None) -> Path | None:
    """The path, where one is given."""
    return None if path is None else Path(path)
