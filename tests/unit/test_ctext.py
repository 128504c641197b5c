"""What is written as C text reads back as the value."""

from __future__ import annotations

import ast
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf import ctext


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_c_int_reads_back(value: int) -> None:
    assert ast.literal_eval(ctext.c_int(value)) == value


@given(st.integers(0, 2**32 - 1))
def test_unsigned_c_int_reads_back(value: int) -> None:
    assert int(ctext.c_int(value, unsigned=True).removesuffix("U")) == value


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_c_int_refuses_what_does_not_fit(value: int) -> None:
    with pytest.raises(ValueError, match="does not fit int32_t"):
        ctext.c_int(value)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_c_float_reads_back_as_the_same_float32(value: float) -> None:
    text = ctext.c_float(value)
    assert text.strip("()").endswith("f")
    assert np.float32(text.strip("()").removesuffix("f")).tobytes() == np.float32(value).tobytes()
    assert re.fullmatch(r"\(?-?\d+\.\d*e[+-]\d+f\)?", text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e39])
def test_c_float_refuses_what_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match="no finite float32"), np.errstate(over="ignore"):
        ctext.c_float(value)


@given(st.text())
def test_c_string_reads_back_and_is_plain_ascii(text: str) -> None:
    literal = ctext.c_string(text)
    assert literal.isascii()
    assert "\n" not in literal
    assert "??" not in literal
    assert ast.literal_eval("b" + literal).decode() == text


def test_the_smallest_int32_has_a_name() -> None:
    assert ctext.c_int(-(2**31)) == "INT32_MIN"


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=100))
def test_c_array_reads_back(values: list[int]) -> None:
    text = ctext.c_array(values)
    assert list(ast.literal_eval(f"[{text}]")) == values
    assert max(map(len, text.splitlines())) <= ctext.WIDTH


@given(st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=30), min_size=1, max_size=20))
def test_rows_of_rows_read_back(rows: list[list[int]]) -> None:
    """Structures with many fields take several lines, never a long one."""
    text = ctext.c_rows("[" + ", ".join(map(str, row)) + "]" for row in rows)
    assert list(ast.literal_eval(f"[{text}]")) == rows
    assert max(map(len, text.splitlines())) <= ctext.WIDTH
    assert all(text.splitlines())


@given(st.text())
def test_c_identifier_is_one(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", ctext.c_identifier(text))


@given(st.text(alphabet="*/\\?\n ab") | st.text())
def test_c_comment_cannot_leave_its_comment(text: str) -> None:
    shown = ctext.c_comment(text)
    assert not set(shown) & {"\n", "\r", "\\"}
    assert "*/" not in shown
    assert "??" not in shown
    assert len(shown.splitlines()) <= 1


@given(st.lists(st.text(alphabet="*/\\?\n ab") | st.text(max_size=300), max_size=3))
def test_c_block_cannot_leave_its_comment_and_is_not_wide(paragraphs: list[str]) -> None:
    shown = f"/* {ctext.c_block(*paragraphs)} */"
    assert "*/" not in shown[2:-2]
    assert "/*" not in shown[2:-2]
    assert "??" not in shown
    assert max(map(len, shown.splitlines())) <= ctext.WIDTH
