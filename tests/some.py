"""Rows of a table-driven test of which the quick suite takes some, and the slow one the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable


def some(rows: Iterable[Any], every: int) -> list[Any]:
    """The rows, of one argument each or made by `pytest.param`: all but each `every`th are marked slow."""
    return [row if i % every == 0 else _slow(row) for i, row in enumerate(rows)]


def _slow(row: Any) -> Any:
    given = row if hasattr(row, "values") and hasattr(row, "marks") else pytest.param(row)
    return pytest.param(*given.values, id=given.id, marks=(*given.marks, pytest.mark.slow))
