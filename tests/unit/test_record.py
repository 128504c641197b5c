"""The typed record of a session: every key is described, and none is lost on the way to the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinyperf.session.record import Learned, ModelFile, Part, Planned, Record, Rules, Sample, Timing

DOCUMENT = Path(__file__).parents[2] / "docs" / "sessions.md"


@pytest.mark.parametrize("part", [Record, Planned, Learned, Timing, Rules, Sample], ids=lambda part: part.__name__)
def test_every_key_is_in_the_document(part: type[Part]) -> None:
    described = set(re.findall(r"`(\w+)`", DOCUMENT.read_text(encoding="utf-8")))
    assert set(part.model_fields) - described == set()


def test_the_document_names_no_key_that_is_not_there() -> None:
    first_cells = re.findall(
        r"^\| (`.*?) \|",
        DOCUMENT.read_text(encoding="utf-8").split("**`planned`**")[1].split("**`result`**")[0],
        re.MULTILINE,
    )
    keys = {key for cell in first_cells for key in re.findall(r"`(\w+)`", cell)}
    assert keys - set(Planned.model_fields) - set(Learned.model_fields) == set()


def test_nothing_changes_in_place() -> None:
    model = ModelFile(name="a", sha256="b")
    with pytest.raises(ValueError, match="frozen"):
        model.name = "c"
