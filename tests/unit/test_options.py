"""NAME:OPTION=VALUE,... of engines, monitors and isolators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf.errors import UsageError
from tinyperf.options import split

WORD = st.text("abcxyz09_/.-", min_size=1, max_size=8)


def taken(text: str) -> tuple[str, dict[str, str]]:
    return split(text, what="monitor", example="lpm01a:port=simulated")


@given(WORD, st.dictionaries(WORD, WORD | st.just("")))
def test_what_is_joined_comes_apart(name: str, options: dict[str, str]) -> None:
    joined = ",".join(f"{key}={value}" for key, value in options.items())
    assert taken(f"{name}:{joined}") == (name, options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lpm01a:port", "'port' in 'lpm01a:port' is not OPTION=VALUE"),
        ("lpm01a:=5", "is not OPTION=VALUE"),
        ("lpm01a:port=a,freq=1k,port=b", "'port' stands twice in"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        taken(text)
