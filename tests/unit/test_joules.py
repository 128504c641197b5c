"""Energy arithmetic: pairing pulses by role, edges, run rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf.rules import joules
from tinyperf.rules.joules import Expected

if TYPE_CHECKING:
    from tinyperf.result import EnergyWindow

STEP_S = 13.0
GOOD = [0.02, *(t for k in range(5) for t in (2.0 + k * STEP_S, 13.0 + k * STEP_S))]
SAID = [
    Expected("timestamp", 0.0),
    *(
        e
        for k in range(5)
        for e in (Expected("start", 1.99 + k * STEP_S, 100), Expected("stop", 13.02 + k * STEP_S, 100))
    ),
]


def test_each_pulse_gets_the_role_the_transcript_announces() -> None:
    pairing = joules.pair(GOOD, SAID)
    assert pairing.reasons == ()
    assert [(s.begin_s, s.end_s, s.inferences) for s in pairing.spans] == [
        (2.0, 13.0, 100),
        (15.0, 26.0, 100),
        (28.0, 39.0, 100),
        (41.0, 52.0, 100),
        (54.0, 65.0, 100),
    ]


@pytest.mark.parametrize(
    ("pulses", "reason", "windows"),
    [
        pytest.param(
            [p for p in GOOD if p != 28.0], "no pulse for the start of a window at 27.99 s", 4, id="start-lost"
        ),
        pytest.param([p for p in GOOD if p != 39.0], "no pulse for the stop of a window at 39.02 s", 4, id="stop-lost"),
        pytest.param(GOOD[1:], "no pulse for the timestamp command at 0.00 s", 5, id="timestamp-lost"),
        pytest.param(sorted([*GOOD, 20.0]), "pulse at 20.000 s belongs to no command", 5, id="extra-inside-a-window"),
        pytest.param([*GOOD, 70.0], "pulse at 70.000 s belongs to no command", 5, id="extra-after-the-run"),
        pytest.param(sorted([*GOOD, 2.0004]), "1 pulses bounce", 5, id="bounce"),
        pytest.param([], "no pulse for the start of a window", 0, id="pin-not-wired"),
        pytest.param([p * 1.03 for p in GOOD], "no pulse for", 1, id="instrument-clock-off-by-3-percent"),
    ],
)
def test_wrong_pulses_are_a_reason_and_shift_no_window(pulses: list[float], reason: str, windows: int) -> None:
    pairing = joules.pair(pulses, SAID)
    assert reason in "; ".join(pairing.reasons)
    assert len(pairing.spans) == windows
    assert all(s.end_s - s.begin_s == pytest.approx(11.0, rel=0.031) for s in pairing.spans)


def test_an_edge_inside_the_hold_time_is_the_same_edge() -> None:
    assert joules.pair(sorted([*GOOD, 2.00003]), SAID).reasons == ()


def test_clocks_that_disagree_on_a_window_are_a_reason() -> None:
    said = [Expected("start", 2.0, 100), Expected("stop", 13.4, 100)]
    assert "11.000 s by the instrument, 11.400 s by the transcript" in joules.pair([2.0, 13.0], said).reasons[0]


def test_a_sample_cut_by_an_edge_counts_in_proportion() -> None:
    samples = np.array([1.0, 10.0, 100.0, 1000.0])
    assert joules.fractional_j(samples, 1.0, 0.5, 2.25) == pytest.approx(0.5 + 10 + 25)
    assert joules.fractional_j(samples, 1.0, 1.25, 1.5) == pytest.approx(2.5)
    assert joules.fractional_j(samples, 2.0, -1.0, 9.0) == pytest.approx(1111.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_two_halves_make_the_whole(samples: list[float], a: float, b: float, c: float) -> None:
    begin, middle, end = sorted(x * len(samples) for x in (a, b, c))
    array = np.array(samples)
    parts = joules.fractional_j(array, 1.0, begin, middle) + joules.fractional_j(array, 1.0, middle, end)
    assert joules.fractional_j(array, 1.0, begin, end) == pytest.approx(parts, abs=1e-9)


def test_the_parity_rule_accumulates_sample_times() -> None:
    times_s = joules.sample_times_s(20000, 1000.0)
    assert times_s[1] == 0.001
    assert times_s[19999] != 19.999  # the accumulated rounding error is part of the rule
    energy_j, power_w = joules.parity_j(np.full(20000, 0.5), times_s, 2.0, 12.0)
    assert energy_j == pytest.approx(5000.0, abs=0.5)
    assert power_w == pytest.approx(500.0)


def windows(count: int = 5, seconds: float = 11.0, uj: float = 1e5) -> list[EnergyWindow]:
    return [joules.window(k * 20.0, k * 20.0 + seconds, uj * 1e-6, 100) for k in range(count)]


@pytest.mark.parametrize(
    ("found", "inferences", "reason"),
    [
        pytest.param(windows(), 100, "", id="good"),
        pytest.param(windows(4), 100, "4 windows, 5 are required", id="four-windows"),
        pytest.param(windows(1), 100, "1 window, 5 are required", id="one-window"),
        pytest.param(windows(seconds=9.99), 100, "window 1 lasts 9.990 s, 10 s are required", id="short"),
        pytest.param(windows(seconds=9.9999), 100, "window 1 lasts 9.9999 s, 10 s", id="short-by-little"),
        pytest.param(windows(), 9, "window 1 holds 9 inferences, 10 are required", id="few-inferences"),
        pytest.param(windows(uj=1.0), 100, "the target is not powered", id="unpowered"),
    ],
)
def test_run_rules(found: list[EnergyWindow], inferences: int, reason: str) -> None:
    reasons = joules.rule_reasons(found, [inferences] * len(found))
    assert reason in "; ".join(reasons)
    assert bool(reasons) == bool(reason)


@pytest.mark.parametrize("factor", [0.949, 1.051, -1.0, 118.0])
def test_a_window_far_from_the_others_is_a_reason(factor: float) -> None:
    found = windows()
    assert joules.uneven_energy_reasons(found) == []
    assert joules.uneven_energy_reasons([*found[:2], joules.window(40.0, 51.0, 0.1 * 1.049, 100), *found[3:]]) == []
    odd = [*found[:2], joules.window(40.0, 51.0, 0.1 * factor, 100), *found[3:]]
    assert joules.uneven_energy_reasons(odd) == [
        f"window 3: {1000 * factor:g} uJ per inference, the others' median is 1000; they may differ by 5%"
    ]
    assert joules.uneven_energy_reasons(found[:1]) == []


@pytest.mark.parametrize(
    ("power_w", "range_w", "reason"),
    [
        pytest.param(0.2, (0.0, 0.216), "", id="inside"),
        pytest.param(0.217, (0.0, 0.216), "1 samples outside the instrument's range of 0 mW to 216 mW", id="above"),
        pytest.param(-0.011, (-0.01, 5.0), "range of -10 mW to 5000 mW, such as -11 mW at 20.500 s", id="negative"),
        pytest.param(-0.009, (-0.01, 5.0), "", id="noise"),
        pytest.param(5e4, (0.0, None), "", id="no-bound"),
        pytest.param(float(np.float32(0.216)), (0.0, 0.216), "", id="at-the-end-in-float32"),
        pytest.param(0.21601, (0.0, 0.216), "0 mW to 216 mW, such as 216.01 mW", id="just-above"),
        pytest.param(-0.0100001, (-0.01, 5.0), "-10 mW to 5000 mW, such as -10.0001 mW", id="just-below"),
    ],
)
def test_a_sample_outside_the_range_is_a_reason(power_w: float, range_w: joules.RangeW, reason: str) -> None:
    samples = np.full(40_000, 2e-5)
    spans = [joules.Span(2.0, 13.0, 100), joules.Span(15.0, 26.0, 100)]
    samples[14_500] = 1.0  # between the windows: nobody counts it
    assert joules.range_reasons(samples, 1000.0, spans, range_w) == []
    samples[20_500] = power_w / 1000
    found = joules.range_reasons(samples, 1000.0, spans, range_w)
    assert reason in "".join(found)
    assert [f[:9] for f in found] == (["window 2:"] if reason else [])


@pytest.mark.parametrize("sample", [1, 8])
def test_a_sample_that_an_edge_cuts_belongs_to_the_window(sample: int) -> None:
    samples_j = np.full(20, 1e-5)
    samples_j[sample] = 1.0
    assert joules.range_reasons(samples_j, 1000.0, [joules.Span(0.0016, 0.0084, 10)], (0.0, 0.216))


def test_lost_samples_beyond_a_thousandth_are_a_reason() -> None:
    assert joules.lost_reasons(9991, 10000.0) == []
    assert joules.lost_reasons(99_899, 100_000.0) == ["0.101 % of the samples are lost, 0.1 % is tolerated"]
    assert joules.lost_reasons(9989, 10000.0) == ["0.11 % of the samples are lost, 0.1 % is tolerated"]


def test_the_interval_holds_accuracy_and_both_edges() -> None:
    low, high = joules.interval_uj(windows(), accuracy=0.02, edge_s=0.0055) or (0.0, 0.0)
    assert (low, high) == pytest.approx((1000 * (1 - 0.021), 1000 * (1 + 0.021)))
    assert joules.interval_uj([], accuracy=0.02, edge_s=0.001) is None
