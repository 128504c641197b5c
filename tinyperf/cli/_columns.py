"""Tables for people that fit the terminal; a pipe is as wide as COLUMNS says, without it as wide as the table."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

INDENT = "      "
"""Of what does not fit a line of the terminal."""


class Column(NamedTuple):
    """`left`: its cells are words."""

    head: str
    cells: list[str]
    left: bool = False


def columns(rows: Sequence[Sequence[str]], heads: Sequence[str], left: Collection[str] = ()) -> list[Column]:
    """Rows of cells as columns; those of the heads `left` hold words."""
    return [Column(head, [row[k] for row in rows], head in left) for k, head in enumerate(heads)]


def print_columns(groups: Sequence[Sequence[Column]]) -> None:
    """The groups side by side; where the terminal is too narrow, each on lines of its own."""
    for lines in fitted(groups):
        print("\n".join(lines))


def fitted(groups: Sequence[Sequence[Column]]) -> list[list[str]]:
    """The lines of the heads, and those of each row."""
    width = shutil.get_terminal_size(fallback=(0, 0)).columns
    rows = list(zip(*(_cells(group) for group in groups), strict=True))
    whole = ["  ".join(cell for group in row for cell in group).rstrip() for row in rows]
    if not width or max(map(len, whole)) <= width:
        return [[line] for line in whole]
    return [wrapped(row, width) for row in rows]


def _cells(columns: Sequence[Column]) -> list[list[str]]:
    """The cells of each line, the heads first, as wide as their columns."""
    widths = [max(map(len, (column.head, *column.cells))) for column in columns]
    return [
        [f"{c:<{w}}" if x.left else f"{c:>{w}}" for c, w, x in zip(line, widths, columns, strict=True)]
        for line in zip(*((column.head, *column.cells) for column in columns), strict=True)
    ]


def wrapped(groups: Sequence[Sequence[str]], width: int) -> list[str]:
    """Each group of cells on lines of its own, of at most `width` columns; all but the first line are indented."""
    lines: list[str] = []
    for group in groups:
        line = (INDENT if lines else "") + group[0]
        for cell in group[1:]:
            if len(line) + 2 + len(cell.rstrip()) > width:
                lines.append(line)
                line = INDENT + cell
            else:
                line += "  " + cell
        lines.append(line)
    return [line.rstrip() for line in lines if line.strip()]
