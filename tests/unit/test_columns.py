"""Tables of every verb fit a narrow terminal, and a pipe that says how wide it is; without it they are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf.cli._columns import Column, columns, fitted, wrapped
from tinyperf.cli.boards import command as boards
from tinyperf.cli.published import command as published

if TYPE_CHECKING:
    import click

ROWS = [("a", "1,000", "words of one"), ("bc", "-", "x")]
HEADS = ("name", "count", "says")


def test_columns_stand_below_their_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert fitted([columns(ROWS, HEADS, ("name", "says"))]) == [
        ["name  count  says"],
        ["a     1,000  words of one"],
        ["bc        -  x"],
    ]


@given(st.lists(st.lists(st.text("ab -", min_size=1, max_size=12), min_size=1, max_size=5), min_size=1, max_size=4))
def test_nothing_is_lost_where_a_row_wraps(groups: list[list[str]]) -> None:
    lines = wrapped(groups, 20)
    assert max(map(len, lines), default=0) <= 20
    assert "".join(lines).replace(" ", "") == "".join(map("".join, groups)).replace(" ", "")


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        pytest.param(boards, [], id="boards"),
        pytest.param(published, ["--bench", "kws", "--board", "nucleo-l4r5zi"], id="published"),
    ],
)
def test_a_verb_s_table_is_as_narrow_as_asked(
    verb: click.Command, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    widths = {}
    for columns_of_terminal in ("70", "200"):
        monkeypatch.setenv("COLUMNS", columns_of_terminal)
        verb.main(words, standalone_mode=False)
        table = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(("figures", "http"))]
        widths[columns_of_terminal] = max(map(len, table))
    assert widths["70"] <= 70 < widths["200"]


def test_a_head_may_be_empty() -> None:
    assert fitted([[Column("", ["x"])]]) == [[""], ["x"]]
