"""Scores, duty cycle and record of a stream: by hand, by property, and damaged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf.errors import ContentError
from tinyperf.formats import stream
from tinyperf.rules.streaming import Detections, duty, f1, score

if TYPE_CHECKING:
    from pathlib import Path

WORDS = [(10.0, 11.0), (20.0, 21.0)]


@pytest.mark.parametrize(
    ("at_s", "tail_s", "found"),
    [
        pytest.param([], 2.0, Detections(0, 2, 0), id="nothing"),
        pytest.param([10.5, 20.5], 2.0, Detections(2, 0, 0), id="both"),
        pytest.param([12.9], 2.0, Detections(1, 1, 0), id="in the tail"),
        pytest.param([12.9], 1.0, Detections(0, 2, 1), id="behind a shorter tail"),
        pytest.param([10.1, 10.6, 11.4], 2.0, Detections(1, 1, 0), id="one word three times"),
        pytest.param([9.9, 30.0, 30.5, 30.9], 2.0, Detections(0, 2, 2), id="false ones within a second are one"),
        pytest.param([30.0, 30.9, 31.8], 2.0, Detections(0, 2, 2), id="each of the one that counts"),
    ],
)
def test_detections_are_scored(at_s: list[float], tail_s: float, found: Detections) -> None:
    stamps_ms = [500.0, *(500.0 + 1000 * t for t in at_s)]
    assert score(stamps_ms, WORDS, tail_s=tail_s) == found


@given(st.lists(st.floats(0, 60), max_size=30), st.floats(0, 3))
def test_every_word_is_hit_or_missed(at_s: list[float], tail_s: float) -> None:
    found = score([0.0, *(1000 * t for t in sorted(at_s))], WORDS, tail_s=tail_s)
    assert found.true_positives + found.false_negatives == len(WORDS)
    assert found.true_positives + found.false_positives <= len(at_s)
    assert 0.0 <= f1(found) <= 1.0


def test_nothing_found_and_nothing_to_find() -> None:
    assert f1(Detections(0, 0, 0)) == 0.0
    assert f1(Detections(8, 2, 2)) == pytest.approx(0.8)


def test_duty_of_edges() -> None:
    found = duty([0.0, 0.032, 0.064], [0.004, 0.036, 0.068])
    assert found is not None
    assert found.duty_cycle == pytest.approx(0.125)
    assert found.variation == pytest.approx(0.0, abs=1e-9)
    uneven = duty([0.0, 0.03, 0.07], [0.004, 0.034, 0.074])
    assert uneven is not None
    assert uneven.variation == pytest.approx(0.01 / 0.035)


@pytest.mark.parametrize(
    ("starts", "stops"), [([], []), ([0.0], [0.1]), ([0.0, 0.1], [-0.1, 0.2]), ([0.1, 0.1], [0.2, 0.2])]
)
def test_no_duty_of_too_few_or_disordered_edges(starts: list[float], stops: list[float]) -> None:
    assert duty(starts, stops) is None


WHOLE = stream.Stream("a.wav", 30.0, ((1.0, 2.0),), (1, 2), (3,), (4,), (5,), 930, 0, 32_000.0)


def test_a_stream_comes_back(tmp_path: Path) -> None:
    assert stream.read(tmp_path) is None
    (tmp_path / stream.NAME).write_text(stream.text(WHOLE))
    assert stream.read(tmp_path) == WHOLE


@pytest.mark.parametrize(
    "change",
    [
        {"windows_s": [[1.0]]},
        {"windows_s": [[1.0, -2.0]]},
        {"detections_ms": "1"},
        {"answers": [1 << 60]},
        {"start_ticks": [0.5]},
        {"length_s": float("nan")},
        {"frames": "many"},
        {"frame_us": -1.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_damaged_stream_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / stream.NAME).write_text(json.dumps(json.loads(stream.text(WHOLE)) | change))
    with pytest.raises(ContentError, match="damaged"):
        stream.read(tmp_path)
