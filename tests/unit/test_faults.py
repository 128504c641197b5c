"""The fault campaign: whatever breaks, no wrong figure is called valid, nothing hangs, nothing measured is lost.

`python -m tests.faults` prints the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.invariants import broken
from tests.faults.table import CASES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.invariants import Case


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if case.slow else case for case in CASES],
    ids=lambda case: case.name,
)
def test_whatever_breaks(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyperf.session.store.LOCK_WAIT_S", 0.0)
    seen = list(case.play(tmp_path))
    assert seen
    assert [wrong for one in seen for wrong in broken(case.row, one)] == []
