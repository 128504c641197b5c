"""A run on the virtual board takes its time from the cycle model, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import tinyperf
from tinyperf import content

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("unicorn")


@pytest.mark.slow
@pytest.mark.skipif("ad" not in content.names("models", ".tflite"), reason="no ad model is shipped")
def test_a_run_and_the_profile_give_the_same_latency(tmp_path: Path) -> None:
    found = tinyperf.run("ad", board="nucleo-l4r5zi", virtual=True, out=tmp_path / "session")
    assert found.valid, found.reasons
    assert found.estimated
    calibration = json.loads((tmp_path / "session" / "session.json").read_text())["calibration"]
    assert calibration["cpi"] > 1.1  # flash wait states alone cost more than that
    profile = tinyperf.profile("nucleo-l4r5zi", "ad")
    assert found.performance.latency_ms == pytest.approx(profile.latency_ms, rel=0.002)
