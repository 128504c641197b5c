"""What people read has three significant digits at least."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf.figures import beside, figure, score

PRINTERS = sorted(
    path
    for folder in ("cli", "session", "rules", "measure", "firmware", "learn")
    for path in (Path(__file__).parents[2] / "tinyperf" / folder).rglob("*.py")
)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        pytest.param(0.0012917, 3, "0.00129", id="latency of a model of a microsecond"),
        pytest.param(0.0005, 3, "0.000500", id="half a microsecond"),
        pytest.param(43.1904, 3, "43.190", id="latency of kws"),
        pytest.param(0.000999949, 3, "0.00100", id="rounded up to the next power of ten"),
        pytest.param(0.000999449, 3, "0.000999", id="not rounded up"),
        pytest.param(9.996, 1, "10.0", id="rounded up past ten"),
        pytest.param(9.99, 1, "9.99", id="just below ten"),
        pytest.param(2204.31, 1, "2204.3", id="energy of kws in uJ"),
        pytest.param(0.031, 1, "0.0310", id="energy of a small model in uJ"),
        pytest.param(4.6, 0, "4.60", id="energy of a window in uJ"),
        pytest.param(25123.4, 0, "25123", id="energy of a large window in uJ"),
        pytest.param(-0.00345, 3, "-0.00345", id="negative"),
        pytest.param(1e6, 3, "1000000.000", id="large"),
        pytest.param(1.2345e-9, 3, "1.23e-09", id="below a millionth"),
        pytest.param(0.0, 3, "0", id="zero"),
        pytest.param(-0.0, 3, "0", id="minus zero"),
        pytest.param(math.inf, 3, "inf", id="infinite"),
    ],
)
def test_figures(value: float, decimals: int, text: str) -> None:
    assert figure(value, decimals) == text


FIXED = re.compile(r"\{(?:\w+\.)*(?:\w+_ms|\w+_ips|uj\w*|\w+_w \* 1e\d):[<>]?\d*\.\d+f\}")


def test_nobody_prints_a_figure_in_another_way() -> None:
    assert FIXED.findall("{found.performance.latency_ms:.3f} {e.uj_per_inference:>14.3f} {power_w * 1e6:.3f}")
    texts = {path.name: path.read_text(encoding="utf-8") for path in PRINTERS}
    assert {name: found for name, text in texts.items() if (found := FIXED.findall(text))} == {}


@given(st.floats(1e-12, 1e12), st.integers(0, 6))
def test_a_figure_errs_by_half_a_percent_at_most(value: float, decimals: int) -> None:
    text = figure(value, decimals)
    assert abs(float(text) - value) <= 0.005001 * value
    assert len(re.sub(r"e.*|\.", "", text).lstrip("0")) >= 3
    assert figure(-value, decimals) == "-" + text


@pytest.mark.parametrize(
    ("value", "limit", "decimals", "text"),
    [
        (9.5, 10.0, 3, "9.500"),
        (9.9996, 10.0, 3, "9.9996"),
        (9.999999, 10.0, 3, "9.999999"),
        (0.1004, 0.1, 2, "0.1004"),
        (0.11, 0.1, 2, "0.11"),
        (-10.0004, -10.0, 0, "-10.0004"),
        (90.4, 90.0, 0, "90.4"),
        (10.0, 10.0, 3, "10.000"),
        (math.nextafter(10.0, 0.0), 10.0, 3, repr(math.nextafter(10.0, 0.0))),
        (math.inf, 10.0, 3, "inf"),
    ],
)
def test_a_figure_beside_a_limit_shows_its_side(value: float, limit: float, decimals: int, text: str) -> None:
    assert beside(value, limit, decimals) == text


@pytest.mark.parametrize(
    ("metric", "value", "target", "text"),
    [
        ("top1", 0.8996, 0.9, "top-1 89.96%"),
        ("top1", 0.9, 0.9, "top-1 90.0%"),
        ("top1", 0.5, None, "top-1 50.0%"),
        ("top1", 0.0012, 0.9, "top-1 0.120%"),
        ("auc", 0.84997, 0.85, "AUC 0.84997"),
        ("auc", 1.0, 0.85, "AUC 1.000"),
        ("auc", float("nan"), 0.85, "AUC nan"),
    ],
)
def test_a_score_that_misses_its_target_does_not_look_like_it(
    metric: str, value: float, target: float | None, text: str
) -> None:
    assert score(metric, value, target) == text
