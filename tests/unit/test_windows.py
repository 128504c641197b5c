"""Run rules of performance mode: each rule broken once, and the published figures."""

from __future__ import annotations

import pytest

from tinyperf.rules import windows
from tinyperf.rules.windows import Timed


def five(device_us: int = 11_210_009, inferences: int = 150, host_s: float | None = None) -> list[Timed]:
    return [Timed(f"input {k}", inferences, device_us, host_s) for k in range(5)]


def test_five_good_windows_give_the_published_median() -> None:
    found = windows.performance(five())
    assert found is not None
    assert f"{found.throughput_ips:.3f}" == "13.381"
    assert found.latency_ms == pytest.approx(1000 / found.throughput_ips)
    assert windows.reasons(five(), cross_check=True) == ()


def test_the_median_is_of_the_throughputs() -> None:
    rows = [Timed(str(k), 100, us) for k, us in enumerate((10_000_000, 10_100_000, 20_000_000, 12_500_000, 11_000_000))]
    found = windows.performance(rows)
    assert found is not None
    assert found.throughput_ips == 100 / 11.0


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param(five()[:1], "1 window was measured; the rules want exactly 5", id="one window"),
        pytest.param(five()[:4], "4 windows were measured", id="four windows"),
        pytest.param([*five(), five()[0]], "6 windows were measured", id="six windows"),
        pytest.param([five()[0]] * 5, "1 different inputs", id="one input five times"),
        pytest.param(
            five(device_us=9_999_999),
            "window 1 lasted 9.999999 s; the rules want at least 10 s",
            id="a microsecond short",
        ),
        pytest.param(five(device_us=9_950_000), "window 5 lasted 9.950 s", id="short by 0.05 s (published in v1.1)"),
        pytest.param(five(inferences=9), "window 3 held 9 inferences", id="nine inferences"),
        pytest.param(five(host_s=11.40), "11.400 s by the host's", id="clocks 1.7 % apart"),
    ],
)
def test_a_broken_rule_is_a_sentence(rows: list[Timed], words: str) -> None:
    assert any(words in reason for reason in windows.reasons(rows, cross_check=True))


def test_line_latency_is_taken_off_before_clocks_are_compared() -> None:
    slow_line = Timed("x", 10, 10_000_000, host_s=10.2, latency_s=windows.line_latency_s(80, 9600))
    assert windows.clocks_agree(slow_line)
    assert not windows.clocks_agree(
        Timed("x", 10, 10_000_000, host_s=10.2, latency_s=windows.line_latency_s(80, 115200))
    )


def test_virtual_time_is_not_compared_with_the_host() -> None:
    assert windows.reasons(five(host_s=1.0), cross_check=False) == ()


@pytest.mark.parametrize(
    ("seconds_per_inference", "inferences"),
    [
        pytest.param(0.07473, 144, id="kws"),
        pytest.param(0.004, 2675, id="ad"),
        pytest.param(4.0, 10, id="slower than a second: ten all the same"),
    ],
)
def test_n_from_a_pilot(seconds_per_inference: float, inferences: int) -> None:
    assert windows.inferences_for(seconds_per_inference) == inferences


@pytest.mark.parametrize(
    ("inferences", "device_us", "following"),
    [
        pytest.param(1, 600_000, None, id="long enough"),
        pytest.param(1, 60_000, 10, id="ten more like it"),
        pytest.param(1, 0, 1000, id="below the timer's resolution: a thousandfold at most"),
    ],
)
def test_pilots_grow_until_they_can_be_trusted(inferences: int, device_us: int, following: int | None) -> None:
    assert windows.next_pilot(inferences, device_us) == following


def test_no_window_no_figure() -> None:
    assert windows.performance([]) is None
