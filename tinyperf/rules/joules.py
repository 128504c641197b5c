"""Energy per inference from samples and pulses: windows, roles, sums, and why a run is not valid.

Pure arithmetic. Samples are energies in joules at a fixed rate, pulses are seconds since the first sample. Sources:
the MLPerf Tiny run rules (five windows, each at least 10 s and 10 inferences, the median counts), EnergyRunner
3.0.10's published sessions (`parity_j` gives all their printed figures to the digit), the MLCommons runner
(`indexed_j`, likewise).
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tinyperf.figures import beside, figure
from tinyperf.result import EnergyWindow
from tinyperf.rules.windows import MIN_INFERENCES, MIN_SECONDS, WINDOWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Samples = npt.NDArray[np.float64] | npt.NDArray[np.float32]


Role = Literal["boot", "timestamp", "start", "stop"]
RangeW = tuple[float | None, float | None]
"""The least and the greatest power of a sample in watts; None: no bound."""

MAX_LOST = 0.001
"""EnergyRunner's emon-drop-thresh-pct: 0.1 %."""
HOLD_S = 50e-6
"""EnergyRunner's timestamp-hold-us: an edge this close behind another one is the same edge."""
BOUNCE_S = 0.01
"""Two edges closer than this cannot both be meant: an inference window is a thousand times longer."""
REACH_S = 0.5
"""How far a pulse may lie from the line that announces it: relays, USB and a 9600 baud line together stay below."""
CLOCKS_S = 0.15
CLOCKS_RELATIVE = 0.01
"""How far instrument and transcript may disagree on a window: 1 %, plus the lines' own jitter."""
UNEVEN = 0.1
"""Relative; the inputs of one benchmark differ by far less: 0.1 % in published sessions."""
UNEVEN_ENERGY = 0.05
"""Relative, of energy per inference."""
LPM01A_ACCURACY = 0.02
"""Relative; UM2269: 2 % typical in dynamic mode. The instrument of nearly all published sessions."""
LPM01A_RANGE_W: RangeW = (0.0, 0.06 * 3.6)
"""UM2269: 50 mA in dynamic mode, where it trips below 60 mA; its samples have no sign."""
JOULESCOPE_RANGE_W: RangeW = (-10e-3, 10.0 * 15.0)
"""JS110 and JS220: 10 A for a moment, 15 V; below zero an offset. The widest of what either tool reads."""
SINGLE = 1e-6
"""Relative; traces are held in float32."""
MIN_POWER_W = 10e-6
"""Below this nothing is powered: noise of an open input. The thriftiest published target draws 300 uW."""


@dataclass(frozen=True)
class Expected:
    """A pulse that the transcript announces, in seconds since the first sample; `inferences` of a start or stop."""

    role: Role
    at_s: float
    inferences: int = 0


@dataclass(frozen=True)
class Span:
    """One measured window between two pulses, in seconds since the first sample."""

    begin_s: float
    end_s: float
    inferences: int


@dataclass(frozen=True)
class Pairing:
    """What the pulses are. `reasons` is empty where each has exactly one role and each role its pulse."""

    spans: tuple[Span, ...]
    reasons: tuple[str, ...]


def pair(pulses_s: Sequence[float], expected: Sequence[Expected]) -> Pairing:
    """Windows from pulses, each pulse given the role that the transcript announces at that time; never "the last two".

    A missing or extra pulse loses at most the window it belongs to, and is always a reason.
    """
    edges, reasons = _settled(sorted(pulses_s))
    taken: dict[int, int] = {}
    for index, event in enumerate(expected):
        near = min(
            (i for i in range(len(edges)) if i not in taken), key=lambda i: abs(edges[i] - event.at_s), default=None
        )
        if near is not None and abs(edges[near] - event.at_s) <= REACH_S:
            taken[near] = index
        elif event.role in {"start", "stop"}:
            reasons.append(f"no pulse for the {event.role} of a window at {event.at_s:.2f} s")
        elif event.role == "timestamp":
            reasons.append(f"no pulse for the timestamp command at {event.at_s:.2f} s")
    extra = [edge for i, edge in enumerate(edges) if i not in taken]
    reasons += [f"pulse at {edge:.3f} s belongs to no command" for edge in extra[:5]]
    if len(extra) > 5:
        reasons.append(f"{len(extra) - 5} more pulses belong to no command")
    edge_of = {event: edges[i] for i, event in taken.items()}
    spans = []
    for i, event in enumerate(expected[:-1]):
        if event.role == "start" and expected[i + 1].role == "stop" and i in edge_of and i + 1 in edge_of:
            begin, end = edge_of[i], edge_of[i + 1]
            said = expected[i + 1].at_s - event.at_s
            spans.append(Span(begin, end, event.inferences))
            if abs((end - begin) - said) > CLOCKS_S + CLOCKS_RELATIVE * said:
                reasons.append(
                    f"window at {begin:.2f} s: {end - begin:.3f} s by the instrument, {said:.3f} s by the transcript"
                )
    return Pairing(tuple(spans), tuple(reasons))


def _settled(edges: list[float]) -> tuple[list[float], list[str]]:
    """Edges without repeats inside the hold time, and a reason for each that bounces beyond it."""
    kept: list[float] = []
    bounces = 0
    for edge in edges:
        if not kept or edge - kept[-1] > BOUNCE_S:
            kept.append(edge)
        elif edge - kept[-1] > HOLD_S:
            bounces += 1
    reasons = [f"{bounces} pulses bounce: less than {BOUNCE_S * 1e3:.0f} ms behind another one"] if bounces else []
    return kept, reasons


def fractional_j(samples_j: Samples, sample_rate_hz: float, begin_s: float, end_s: float) -> float:
    """Energy from `begin_s` to `end_s`, a sample cut by an edge counting in proportion: our own rule.

    Args: samples_j: [n] joules per sample, sample k covering [k, k + 1) / rate.
    """
    low, high = (min(max(t * sample_rate_hz, 0.0), float(len(samples_j))) for t in (begin_s, end_s))
    first, last = int(low), int(high)
    total = float(np.sum(samples_j[first:last], dtype=np.float64))
    if low > first:
        total -= (low - first) * float(samples_j[first])
    if high > last:
        total += (high - last) * float(samples_j[last])
    return total


def sample_times_s(count: int, sample_rate_hz: float) -> npt.NDArray[np.float64]:
    """Sample times as EnergyRunner has them: 1/rate accumulated in double, rounding errors included."""
    times = np.full(count, 1.0 / sample_rate_hz)
    if count:
        times[0] = 0.0
    return np.cumsum(times)


def parity_j(samples_j: Samples, times_s: npt.NDArray[np.float64], begin_s: float, end_s: float) -> tuple[float, float]:
    """EnergyRunner's own rule: every sample with begin <= t < end, t accumulated (`sample_times_s`).

    Returns: (energy in joules, mean power in watts); the tool divides by the samples' count, not by end - begin.
    """
    first, last = (int(i) for i in np.searchsorted(times_s, (begin_s, end_s), side="left"))
    energy_j = float(np.sum(samples_j[first:last], dtype=np.float64))
    period_s = float(times_s[1]) if len(times_s) > 1 else 0.0
    return energy_j, energy_j / ((last - first) * period_s) if last > first and period_s else 0.0


def indexed_j(samples_j: Samples, begin: int, end: int) -> float:
    """The MLCommons runner's rule: whole samples from one event's index to the other's."""
    return float(np.sum(samples_j[begin:end], dtype=np.float64))


def resampled_j(samples_j: Samples, sample_rate_hz: float, to_hz: int) -> npt.NDArray[np.float64]:
    """Energy of each whole period of a slower clock, [n] joules; none is lost but the last, broken period's."""
    total_j = np.concatenate(([0.0], np.cumsum(samples_j)))
    times_s = np.arange(len(total_j)) / sample_rate_hz
    count = math.floor(times_s[-1] * to_hz + 1e-6)
    result: npt.NDArray[np.float64] = np.diff(np.interp(np.arange(count + 1) / to_hz, times_s, total_j))
    return result


def window(begin_s: float, end_s: float, energy_j: float, inferences: int) -> EnergyWindow:
    """One window in the units of results."""
    return EnergyWindow(begin_s, end_s - begin_s, energy_j * 1e6, energy_j * 1e6 / max(inferences, 1))


def median_uj(windows: Sequence[EnergyWindow]) -> float | None:
    """Median energy per inference; None without windows."""
    return statistics.median(w.uj_per_inference for w in windows) if windows else None


def rule_reasons(windows: Sequence[EnergyWindow], inferences: Sequence[int], *, required: int = WINDOWS) -> list[str]:
    """Which run rules these windows break; empty where none."""
    reasons = []
    if len(windows) != required:
        reasons.append(f"{len(windows)} window{'' if len(windows) == 1 else 's'}, {required} are required")
    for number, (one, count) in enumerate(zip(windows, inferences, strict=True), 1):
        if one.seconds < MIN_SECONDS:
            reasons.append(
                f"window {number} lasts {beside(one.seconds, MIN_SECONDS)} s, {MIN_SECONDS:.0f} s are required"
            )
        if count < MIN_INFERENCES and required == WINDOWS:
            reasons.append(f"window {number} holds {count} inferences, {MIN_INFERENCES} are required")
        power_w = one.uj * 1e-6 / one.seconds if one.seconds > 0 else 0.0
        if power_w < MIN_POWER_W:
            reasons.append(f"window {number} shows {figure(power_w * 1e6)} uW: the target is not powered")
    return reasons


def uneven_reasons(windows: Sequence[EnergyWindow], inferences: Sequence[int]) -> list[str]:
    """Windows of equally many inferences must last about equally long: an extra pulse inside one makes it shorter."""
    per_inference = [w.seconds / n for w, n in zip(windows, inferences, strict=True) if n]
    usual = statistics.median(per_inference) if per_inference else 0.0
    shares = [each / usual for each in per_inference] if usual > 0 else []
    return [
        f"window {number} lasts {beside(share * 100, (1 + math.copysign(UNEVEN, share - 1)) * 100, 0)} % "
        "of what is usual in this session"
        for number, share in enumerate(shares, 1)
        if abs(share - 1.0) > UNEVEN
    ]


def uneven_energy_reasons(windows: Sequence[EnergyWindow]) -> list[str]:
    """Each window's energy per inference must be near the median of the others'."""
    reasons = []
    for number, one in enumerate(windows, 1):
        usual = median_uj([w for w in windows if w is not one])
        if usual and not abs(one.uj_per_inference / usual - 1.0) <= UNEVEN_ENERGY:
            reasons.append(
                f"window {number}: {one.uj_per_inference:.6g} uJ per inference, the others' median is {usual:.6g}; "
                f"they may differ by {UNEVEN_ENERGY:.0%}"
            )
    return reasons


def range_reasons(samples_j: Samples, sample_rate_hz: float, spans: Sequence[Span], range_w: RangeW) -> list[str]:
    """Windows that hold samples which the instrument cannot have measured.

    Args: samples_j: [n] joules per sample.
    """
    low_w, high_w = (bound if bound is not None else end for bound, end in zip(range_w, (-np.inf, np.inf), strict=True))
    # at the end of the range is inside, however float32 and the rate have rounded it
    least_w, most_w = low_w - SINGLE * abs(low_w), high_w + SINGLE * abs(high_w)
    reasons = []
    for number, span in enumerate(spans, 1):
        begin, end = (min(max(t, 0.0) * sample_rate_hz, len(samples_j)) for t in (span.begin_s, span.end_s))
        first, last = math.floor(begin), math.ceil(end)
        power_w = samples_j[first:last] * sample_rate_hz
        outside = np.flatnonzero((power_w < least_w) | (power_w > most_w))
        if len(outside):
            worst = outside[np.argmax(np.abs(power_w[outside]))]
            worst_w = float(power_w[worst])
            shown = beside(worst_w * 1e3, (low_w if worst_w < low_w else high_w) * 1e3, 0)
            reasons.append(
                f"window {number}: {len(outside)} samples outside the instrument's range of {_bound(low_w)} to "
                f"{_bound(high_w)}, such as {shown} mW at {(first + worst) / sample_rate_hz:.3f} s"
            )
    return reasons


def _bound(power_w: float) -> str:
    return f"{power_w * 1e3:g} mW" if np.isfinite(power_w) else "any"


def lost_reasons(received: int, expected: float) -> list[str]:
    """Whether more samples are missing than EnergyRunner tolerates.

    Args: expected: rate times duration, from a clock other than the samples' own count.
    """
    lost = 1.0 - received / expected if expected > 0 else 1.0
    seen = beside(lost * 100, MAX_LOST * 100, 2)
    return [f"{seen} % of the samples are lost, {MAX_LOST * 100:g} % is tolerated"] if lost > MAX_LOST else []


def interval_uj(windows: Sequence[EnergyWindow], *, accuracy: float, edge_s: float) -> tuple[float, float] | None:
    """Bounds of the median: the instrument's accuracy and the pulses' resolution, added as worst cases.

    Args:    accuracy: relative, of a mean power figure. edge_s: how far each of the two edges may be off.
    Returns: (low, high) in uJ per inference; None without windows.
    """
    median = median_uj(windows)
    if median is None:
        return None
    shortest = min(w.seconds for w in windows)
    relative = accuracy + (2.0 * edge_s / shortest if shortest > 0 else 1.0)
    return median * (1.0 - relative), median * (1.0 + relative)
