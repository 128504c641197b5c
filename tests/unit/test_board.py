from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinyperf import api, board
from tinyperf.errors import ContentError, UsageError

BAD = sorted((Path(__file__).parent.parent / "bad_boards").glob("*.yaml"))


def test_every_shipped_board_is_read_and_named_after_its_file() -> None:
    assert {b.name for b in api.boards()} >= {"nucleo-l4r5zi", "host"}


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_a_bad_file_is_refused_at_its_line(path: Path) -> None:
    expected = [
        (n, m[1])
        for n, line in enumerate(path.read_text().splitlines(), 1)
        if (m := re.search(r"# expect: (.*)", line))
    ]
    with pytest.raises(ContentError) as caught:
        board.read(path)
    for line, words in expected:
        assert f"{path}:{line}: {words}" in caught.value.seen


def test_an_unknown_board_is_told_with_the_closest_name() -> None:
    with pytest.raises(UsageError, match="unknown board 'nucleo-l4r5z'") as caught:
        board.load("nucleo-l4r5z")
    assert "did you mean 'nucleo-l4r5zi'?" in caught.value.hint


def test_a_missing_board_file_is_told_by_its_path() -> None:
    with pytest.raises(UsageError, match=r"board file \./none\.yaml does not exist"):
        board.load("./none.yaml")
