"""Python values as C text. Templates get nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

WIDTH = 100


def c_int(value: int) -> str:
    """An int32 literal; INT32_MIN cannot be written as a negated one."""
    if not -(2**31) <= value < 2**31:
        raise ValueError(value)
    return "INT32_MIN" if value == -(2**31) else str(value)


def c_identifier(text: str) -> str:
    """`text` with everything but letters, digits and underscores replaced; never empty, never starts with a digit."""
    plain = re.sub(r"\W", "_", text, flags=re.ASCII)
    return plain if plain and not plain[0].isdigit() else f"_{plain}"


def c_comment(text: str) -> str:
    """`text` on one line, unable to end a C comment or to hold a backslash at a line's end."""
    printable = "".join(c if 32 <= ord(c) < 127 else "?" for c in text)
    return printable.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/").replace("??", "? ?")


def c_rows(items: Iterable[str]) -> str:
    """Items of an initializer, comma separated, in indented lines of at most WIDTH columns."""
    lines: list[str] = []
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > WIDTH:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join([*lines, line])


def c_array(values: npt.NDArray[np.int8]) -> str:
    """The initializer of an int8 array."""
    return c_rows(str(v) for v in values.ravel().tolist())
