"""Streaming wakeword: detections against the windows in which the wakeword was spoken. Pure.

Source: mlcommons/tiny 1afd2c9, `benchmark/runner/streaming_ww_utils.py` and its README. The text allows a detection 1 s
after the word; the code adds that second twice. Both are of use: 2 s reproduces what the runner prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import mean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCUMENTED_TAIL_S = 1.0
RUNNER_TAIL_S = 2.0
DEBOUNCE_S = 1.0
WAKEWORDS, STREAM_S, MOST_FALSE = 50, 1200.0, 8
"""Of the official stream; so many misses, and so many false alarms, are allowed."""
TARGET = f"at most {MOST_FALSE} misses and {MOST_FALSE} false alarms"
FRAME_S = 0.032
MOST_VARIATION = 0.02
"""Of the period, above which the runner warns."""


@dataclass(frozen=True)
class Detections:
    """Counts of one stream."""

    true_positives: int
    false_negatives: int
    false_positives: int


def score(stamps_ms: Sequence[float], windows_s: Sequence[tuple[float, float]], *, tail_s: float) -> Detections:
    """Count hits, misses and false alarms.

    Args:
        stamps_ms: detections in the order of time; the first is the pulse at the start of the stream, time 0.
        windows_s: [(begin, end)] of each wakeword in the stream.
        tail_s: how long after its end a word may still be detected.
    """
    times_s = [(stamp - stamps_ms[0]) / 1000 for stamp in stamps_ms[1:]]
    hits = 0
    for begin_s, end_s in windows_s:
        inside = [t for t in times_s if begin_s <= t <= end_s + tail_s]
        hits += bool(inside)
        times_s = [t for t in times_s if t not in inside] if inside else times_s
    return Detections(hits, len(windows_s) - hits, len(_debounced(times_s)))


@dataclass(frozen=True)
class Duty:
    """Of the processing pin: means over the frames seen. `variation`: greatest less least period, over the mean."""

    processing_s: float
    period_s: float
    variation: float

    @property
    def duty_cycle(self) -> float:
        return self.processing_s / self.period_s


def duty(starts_s: Sequence[float], stops_s: Sequence[float]) -> Duty | None:
    """The runner's figures from rising and falling edges; None of less than two frames, or of edges out of order."""
    count = min(len(starts_s), len(stops_s))
    on = [stop - start for start, stop in zip(starts_s[:count], stops_s[:count], strict=True)]
    periods = [b - a for a, b in pairwise(starts_s[:count])]
    if not periods or min(on) < 0 or min(periods) <= 0:
        return None
    return Duty(mean(on), mean(periods), (max(periods) - min(periods)) / mean(periods))


def f1(found: Detections) -> float:
    """2 TP / (2 TP + FP + FN); 0 where there is nothing."""
    all_of_it = 2 * found.true_positives + found.false_positives + found.false_negatives
    return 2 * found.true_positives / all_of_it if all_of_it else 0.0


def _debounced(times_s: Sequence[float]) -> list[float]:
    """False alarms within DEBOUNCE_S of one that counts are the same one."""
    kept: list[float] = []
    for t in times_s:
        if not kept or not kept[-1] < t <= kept[-1] + DEBOUNCE_S:
            kept.append(t)
    return kept
