"""Streaming wakeword: counts, duty cycle and throughput as printed, and as results.json gives them."""

from __future__ import annotations

import math
from statistics import mean
from typing import TYPE_CHECKING, Any

from tinyperf.rules import streaming
from tinyperf.submissions import energy
from tinyperf.submissions.findings import Finding, finding
from tinyperf.submissions.place import JSON, RESULTS
from tinyperf.submissions.rounds import MOST_FALSE, STREAM_S, WAKEWORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.rules.streaming import Detections
    from tinyperf.submissions.place import Place
    from tinyperf.submissions.printed import Figure, Printed


def check(place: Place) -> Iterator[Finding]:
    """Everything that is wrong with a performance or energy folder of sww."""
    if place.printed:
        yield from _printed(place, place.printed)
        if place.mode == "energy" and not place.printed.power_mw:
            yield finding("no-energy", place.path / RESULTS, "no line 'Power : <x> mW'")
    if place.mode == "energy" and energy.has_trace(place):
        yield from energy.trace(place)
    elif place.mode == "energy":
        yield finding("trace-missing", place.path, "no power samples in results.json")
    for entry in place.rows[:1]:
        yield from _json(place, entry)


def _printed(place: Place, printed: Printed) -> Iterator[Finding]:
    path = place.path / RESULTS
    for figures, words in (
        (printed.detections, "Accuracy: <n> True positives, <n> False negatives, <n> False positives"),
        (printed.duty_cycle, "Average duty cycle: <x>"),
        (printed.stream_throughput, "Estimated throughput: <x> inf./sec."),
    ):
        if not figures:
            yield finding("streaming-incomplete", path, f"no line '{words}'")
    for line, hits, misses, alarms in printed.detections[-1:]:
        if hits + misses != WAKEWORDS:
            yield finding(
                "streaming-count",
                path,
                f"{hits} true positives and {misses} false negatives are not {WAKEWORDS}",
                line=line,
            )
        if place.closed and max(misses, alarms) > MOST_FALSE:
            yield finding(
                "target-missed",
                path,
                f"{misses} false negatives, {alarms} false positives; each may be {MOST_FALSE} at most",
                line=line,
            )


def _json(place: Place, entry: dict[str, Any]) -> Iterator[Finding]:
    infer = entry.get("infer")
    stamps = _numbers(infer.get("detections")) if isinstance(infer, dict) else None
    windows = _pairs(infer.get("detection_windows")) if isinstance(infer, dict) else None
    if not isinstance(infer, dict) or not stamps or windows is None:
        yield finding("json-shape", place.path / JSON, "no infer.detections and infer.detection_windows")
        return
    if len(windows) != WAKEWORDS or infer.get("length_sec") != STREAM_S:
        yield finding(
            "sample-count",
            place.path / JSON,
            f"{len(windows)} wakewords in {infer.get('length_sec')} s; the stream has {WAKEWORDS} in {STREAM_S:g} s",
        )
    yield from _counts(place, stamps, windows)
    yield from _duty(place, entry.get("dutycycle"))


def _counts(place: Place, stamps: list[float], windows: list[tuple[float, float]]) -> Iterator[Finding]:
    if not place.printed or not place.printed.detections:
        return
    line, *said = place.printed.detections[-1]
    by_runner, by_text = (
        streaming.score(stamps, windows, tail_s=tail_s)
        for tail_s in (streaming.RUNNER_TAIL_S, streaming.DOCUMENTED_TAIL_S)
    )
    if said != _listed(by_runner):
        yield finding(
            "streaming-differs",
            place.path / RESULTS,
            "TP/FN/FP {}/{}/{}; the detections in results.json give {}/{}/{}".format(*said, *_listed(by_runner)),
            line=line,
        )
    elif place.closed and max(said[1:]) <= MOST_FALSE < max(_listed(by_text)[1:]):
        yield finding(
            "streaming-tail",
            place.path / RESULTS,
            "with the 1 s of the rules' text TP/FN/FP are {}/{}/{}".format(*_listed(by_text)),
            line=line,
        )


def _listed(found: Detections) -> list[int]:
    return [found.true_positives, found.false_negatives, found.false_positives]


def _duty(place: Place, duty: Any) -> Iterator[Finding]:
    """Duty cycle and throughput from the recorded edges of the processing pin."""
    starts = _numbers(duty.get("start_times_s")) if isinstance(duty, dict) else None
    stops = _numbers(duty.get("stop_times_s")) if isinstance(duty, dict) else None
    if not starts or not stops or len(starts) != len(stops) or len(starts) < 2 or not place.printed:
        yield finding("json-shape", place.path / JSON, "no dutycycle with as many start as stop times")
        return
    on_s = mean(stop - start for start, stop in zip(starts, stops, strict=True))
    period_s = (starts[-1] - starts[0]) / (len(starts) - 1)
    if on_s <= 0 or period_s <= 0:
        yield finding("json-shape", place.path / JSON, "the processing pin's edges do not follow in time")
        return
    for figures, value, what in (
        (place.printed.duty_cycle, on_s / period_s, "duty cycle"),
        (place.printed.stream_throughput, 1 / on_s, "throughput"),
    ):
        yield from _agree(place, figures, value, what)


def _agree(place: Place, figures: list[Figure], value: float, what: str) -> Iterator[Finding]:
    if figures and not figures[-1].agrees(value):
        yield finding(
            "streaming-differs",
            place.path / RESULTS,
            f"{what} {figures[-1].value:g}; the edges in results.json give {value:.5g}",
            line=figures[-1].line,
        )


def _numbers(value: Any) -> list[float] | None:
    if not isinstance(value, list) or not all(isinstance(v, int | float) and abs(v) < 1e15 for v in value):
        return None
    numbers = [float(v) for v in value]
    return numbers if all(map(math.isfinite, numbers)) else None


def _pairs(value: Any) -> list[tuple[float, float]] | None:
    if not isinstance(value, list):
        return None
    pairs = [_numbers(one) for one in value]
    return [(one[0], one[1]) for one in pairs if one] if all(one and len(one) == 2 for one in pairs) else None
