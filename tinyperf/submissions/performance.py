"""Performance mode: five windows of 10 s and 10 inferences, and every file telling the same."""

from __future__ import annotations

import math
import re
from statistics import median
from typing import TYPE_CHECKING, Any

from tinyperf.rules.windows import CLOCK_TOLERANCE, MIN_INFERENCES, MIN_SECONDS, WINDOWS
from tinyperf.submissions.findings import Finding, finding
from tinyperf.submissions.place import JSON, LOG, RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.submissions.place import Place
    from tinyperf.submissions.printed import Printed, PrintedTrial, PrintedWindow

OFFICIAL_MEDIAN = re.compile(r".* Median throughput is\s+[\d.]+ inf\./sec\.")

LINE_S = 0.2
"""A stamp of the host may be late by the line's speed and USB's polling."""


def check(place: Place) -> Iterator[Finding]:
    """Everything that is wrong with a performance folder."""
    if place.printed:
        yield from _median(place, place.printed)
        yield from windows(place, place.printed.windows)
        yield from _inputs(place)
    if place.log and not (place.printed and place.printed.windows):
        yield from _short(place, place.log.trials)
    elif place.printed and place.log:
        yield from _log(place, place.printed.windows, place.log.trials)
    if place.log:
        yield from _clocks(place, place.log.trials)
    if place.printed and place.printed.windows and place.json:
        yield from _json(place, place.printed.windows)


def _median(place: Place, printed: Printed) -> Iterator[Finding]:
    path = place.path / RESULTS
    if not any(OFFICIAL_MEDIAN.match(line) for line in place.results_text.split("\n")):
        yield finding("no-median", path, "no line '<stamp> ulp-mlperf: Median throughput is <x> inf./sec.'")
    if not printed.median_throughput:
        return
    figure = printed.median_throughput[-1]
    rates = [w.throughput for w in printed.windows if w.throughput]
    if rates and not figure.agrees(median(r.value for r in rates), slack=max(r.half_digit for r in rates)):
        yield finding(
            "figures-differ",
            path,
            f"the median is printed as {figure.value}; that of the windows is {median(r.value for r in rates):.6g}",
            line=figure.line,
        )


def windows(place: Place, rows: list[PrintedWindow]) -> Iterator[Finding]:
    """Their number, length and inferences, and whether each one's figures fit each other."""
    path = place.path / RESULTS
    if len(rows) != WINDOWS:
        yield finding("window-count", path, f"{len(rows)} windows; the rules want {WINDOWS}")
    for row in rows:
        if row.seconds and row.seconds.value < MIN_SECONDS:
            yield finding(
                "window-short",
                path,
                f"window {row.number} lasted {row.seconds.value:g} s; the rules want {MIN_SECONDS:g} s",
                line=row.seconds.line,
            )
        if row.inferences and row.inferences.value < MIN_INFERENCES:
            yield finding(
                "window-few",
                path,
                f"window {row.number} held {row.inferences.value:g} inferences; the rules want {MIN_INFERENCES}",
                line=row.inferences.line,
            )
        if row.inferences and row.seconds and row.throughput and row.seconds.value > 0:
            rate = row.inferences.value / row.seconds.value
            if not row.throughput.agrees(rate, slack=rate * row.seconds.half_digit * 1.001 / row.seconds.value):
                yield finding(
                    "figures-differ",
                    path,
                    f"window {row.number}: {row.inferences.value:g} inferences in {row.seconds.value:g} s are "
                    f"{rate:.6g} inf./s, not {row.throughput.value:g}",
                    line=row.throughput.line,
                )


def _short(place: Place, trials: list[PrintedTrial]) -> Iterator[Finding]:
    """results.txt lists no window: those of log.txt are what there is."""
    for number, trial in enumerate(trials, 1):
        if trial.seconds < MIN_SECONDS:
            yield finding(
                "window-short",
                place.path / LOG,
                f"window {number} lasted {trial.seconds:g} s; the rules want {MIN_SECONDS:g} s",
                line=trial.line,
            )


def _inputs(place: Place) -> Iterator[Finding]:
    trials = place.log.trials if place.log else []
    names = [trial.file for trial in trials if trial.file] or [str(row.get("file")) for row in place.rows]
    if len(set(names)) < len(names):
        yield finding("same-input", place.path / LOG, f"{len(names)} windows used {len(set(names))} different inputs")


def _log(place: Place, rows: list[PrintedWindow], trials: list[PrintedTrial]) -> Iterator[Finding]:
    """Windows of results.txt against those of log.txt."""
    path = place.path / LOG
    if len(trials) != len(rows):
        yield finding("files-differ", path, f"{len(trials)} inferences in log.txt, {len(rows)} windows in results.txt")
        return
    for row, trial in zip(rows, trials, strict=True):
        if row.inferences and row.inferences.value != trial.inferences:
            yield finding(
                "files-differ",
                path,
                f"window {row.number}: {trial.inferences} inferences; results.txt says {row.inferences.value:g}",
                line=trial.line,
            )
        # log.txt of the MLCommons runner has three decimals
        if row.seconds and not (math.isnan(trial.seconds) or row.seconds.agrees(trial.seconds, slack=0.000501)):
            yield finding(
                "files-differ",
                path,
                f"window {row.number}: {trial.seconds:g} s; results.txt says {row.seconds.value:g} s",
                line=trial.line,
            )


def _clocks(place: Place, trials: list[PrintedTrial]) -> Iterator[Finding]:
    """The device's clock against the host's stamps around the same window."""
    for trial in trials:
        if trial.host_s is None or not math.isfinite(trial.seconds + trial.host_s) or trial.seconds < 1:
            continue
        least = trial.seconds * (1 - CLOCK_TOLERANCE) - trial.stamp_s - LINE_S
        most = trial.seconds * (1 + CLOCK_TOLERANCE) + trial.stamp_s + LINE_S
        if place.runner == "mlcommons":  # its stamps hold the warm-ups too, and the reply of a slow line
            most += trial.seconds * trial.warmups / max(trial.inferences, 1) + 1.0
        if not least <= trial.host_s <= most:
            yield finding(
                "clocks-differ",
                place.path / LOG,
                f"{trial.seconds:g} s by the device's clock, {trial.host_s:g} s by the host's stamps",
                line=trial.line,
            )


def _json(place: Place, rows: list[PrintedWindow]) -> Iterator[Finding]:
    """Windows of results.txt against results.json, and the entries of results.json in themselves."""
    path = place.path / JSON
    entries = place.rows
    if len(entries) != len(rows):
        yield finding("files-differ", path, f"{len(entries)} entries; results.txt has {len(rows)} windows")
        return
    for row, entry in zip(rows, entries, strict=True):
        numbers = times(entry)
        if numbers is None:
            yield finding("json-shape", path, f"entry {row.number} lacks iterations, start_time or end_time")
            continue
        inferences, seconds = numbers
        if row.inferences and row.inferences.value != inferences:
            yield finding(
                "files-differ",
                path,
                f"entry {row.number}: {inferences:g} inferences; results.txt says {row.inferences.value:g}",
            )
        if row.seconds and not row.seconds.agrees(seconds):
            yield finding(
                "files-differ", path, f"entry {row.number}: {seconds:g} s; results.txt says {row.seconds.value:g} s"
            )
        yield from _entry(place, row.number, entry, inferences / seconds if seconds > 0 else math.nan)


def _entry(place: Place, number: int, entry: dict[str, Any], rate: float) -> Iterator[Finding]:
    infer = entry["infer"]
    elapsed, printed = _number(infer.get("elapsed_time")), _number(infer.get("throughput"))
    numbers = times(entry)
    if numbers and elapsed is not None and abs(elapsed / 1e6 - numbers[1]) > 1e-6:
        yield finding(
            "figures-differ",
            place.path / JSON,
            f"entry {number}: elapsed_time {elapsed:g} us is not end_time - start_time, {numbers[1] * 1e6:g}",
        )
    if printed is not None and not math.isclose(printed, rate, rel_tol=1e-6):
        yield finding(
            "figures-differ", place.path / JSON, f"entry {number}: throughput {printed:g}; its times give {rate:.6g}"
        )


def times(entry: dict[str, Any]) -> tuple[float, float] | None:
    """Inferences and seconds of an entry of results.json; None where it has no such numbers."""
    infer = entry.get("infer")
    if not isinstance(infer, dict):
        return None
    numbers = [_number(infer.get(name)) for name in ("iterations", "start_time", "end_time")]
    if any(number is None for number in numbers):
        return None
    inferences, start_us, end_us = (number for number in numbers if number is not None)
    return inferences, (end_us - start_us) / 1e6


def _number(value: object) -> float | None:
    """A finite number that is no truth value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
