"""Python values as C text. What comes from files reaches C, linker scripts and .ini files only through these."""

from __future__ import annotations

import math
import re
import textwrap
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH = 100


def c_int(value: int, *, unsigned: bool = False) -> str:
    """An int32 literal, or a uint32 one with its suffix; INT32_MIN cannot be written as a negated literal.

    Raises: ValueError: beyond 32 bits, or negative and unsigned.
    """
    low, high = (0, 2**32) if unsigned else (-(2**31), 2**31)
    if not low <= value < high:
        raise ValueError(f"{value} does not fit {'uint32_t' if unsigned else 'int32_t'}")
    if unsigned:
        return f"{value}U"
    return "INT32_MIN" if value == low else str(value)


def c_float(value: float) -> str:
    """A float literal that reads back as the same float32.

    Raises: ValueError: not finite as a float32.
    """
    single = np.float32(value)
    if not np.isfinite(single):
        raise ValueError(f"{value} is no finite float32")
    return f"{np.format_float_scientific(single, unique=True)}f"


def c_number(value: float) -> str:
    """A literal of any number: of a Python float as float32 (infinities and NaN too), of an int up to 64 bits."""
    if not isinstance(value, int):
        if math.isfinite(np.float32(value)):
            return c_float(value)
        return '__builtin_nanf("")' if math.isnan(value) else f"{'-' if value < 0 else ''}__builtin_inff()"
    return _c_whole(value)


def _c_whole(value: int) -> str:
    if -(2**31) <= value < 2**31:
        return c_int(int(value))
    if value >= 2**63:
        return f"UINT64_C({value})"
    return "INT64_MIN" if value == -(2**63) else f"INT64_C({value})"


def c_type(dtype: str) -> str:
    """The C type of an element, by numpy's name; a bool is a byte, which holds 0 or 1."""
    return {"float32": "float", "bool": "uint8_t"}.get(dtype, f"{dtype}_t")


def c_string(text: str) -> str:
    """A string literal of the UTF-8 bytes of `text`; octal escapes for all but plain printable ASCII."""
    plain = set(range(0x20, 0x7F)) - set(b'"\\?')
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def c_identifier(text: str) -> str:
    """`text` with everything but letters, digits and underscores replaced; never empty, never starts with a digit."""
    plain = re.sub(r"\W", "_", text, flags=re.ASCII)
    return plain if plain and not plain[0].isdigit() else f"_{plain}"


def c_comment(text: str) -> str:
    """One line that may stand inside a comment of C, of a linker script, of an .ini file or of Python."""
    plain = "".join(c if " " <= c <= "~" and c != "\\" else "?" for c in text)
    plain = plain.replace("*/", "* /").replace("/*", "/ *")
    return re.sub(r"\?(?=\?)", "? ", plain)  # no trigraphs


def c_block(*paragraphs: str) -> str:
    """What stands between `/* ` and ` */`: each paragraph begins a line, and no line is longer than WIDTH columns."""
    width = WIDTH - len("/*  */")
    lines = [line for text in paragraphs for line in textwrap.wrap(c_comment(text), width, break_on_hyphens=False)]
    return "\n * ".join(lines)


def c_statement(text: str, margin: str = "") -> str:
    """A statement behind `margin`, on several lines where it is longer than WIDTH."""
    return textwrap.fill(text, WIDTH, initial_indent=margin, subsequent_indent=f"{margin}    ", break_long_words=False)


def c_rows(items: Iterable[str], width: int = WIDTH) -> str:
    """Items of an initializer, comma separated, indented, at most `width` columns; a long one takes several lines."""
    lines: list[str] = []
    line = "   "
    for item in items:
        if len(item) + 5 > width:
            wrapped = textwrap.wrap(f"{item},", width, initial_indent="    ", subsequent_indent="     ")
            lines += wrapped if line == "   " else [line, *wrapped]
            line = "   "
            continue
        if len(line) + len(item) + 2 > width:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join([*lines, line] if line != "   " else lines)


def c_array(values: Iterable[float]) -> str:
    """The inside of an array's initializer, of numbers as `c_number` writes them; bytes are values too."""
    return c_rows(map(c_number, values))
