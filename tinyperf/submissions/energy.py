"""Energy mode: printed figures against the rules, and against the raw trace where there is one."""

from __future__ import annotations

import re
from statistics import median
from typing import TYPE_CHECKING

from tinyperf.errors import ContentError
from tinyperf.formats import folder
from tinyperf.rules.windows import MIN_SECONDS, WINDOWS
from tinyperf.session import replay
from tinyperf.submissions import performance
from tinyperf.submissions.findings import Finding, finding
from tinyperf.submissions.place import JSON, RESULTS
from tinyperf.submissions.tree import TEXT_LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.submissions.place import Place

OFFICIAL = re.compile(r"Median energy cost is [\d.]+ uJ/inf")


def check(place: Place) -> Iterator[Finding]:
    """Everything that is wrong with an energy folder of kws, vww, ic, ic2 or ad."""
    if place.printed and not OFFICIAL.search(place.results_text):
        yield finding("no-energy", place.path / RESULTS, "no line 'Median energy cost is <x> uJ/inf'")
    recomputed = False
    if has_trace(place):
        recomputed = True
        yield from trace(place)
    elif place.log or place.printed:
        yield finding("trace-missing", place.path, "no trace1-energy.bin, and no power samples in results.json")
    if place.printed:
        yield from _printed(place, rules=not recomputed)


def has_trace(place: Place) -> bool:
    """A raw trace is there that may be read: regular files of bounded size, no link among them."""
    entries = place.tree.inside(place.path)
    if any(entry.sort not in ("file", "folder") or entry.bytes > TEXT_LIMIT_BYTES for entry in entries):
        return False
    if any(entry.path.name.endswith("-energy.bin") for entry in entries):
        return True
    return bool(place.rows) and all(isinstance(row.get("power"), dict) for row in place.rows)


def trace(place: Place) -> Iterator[Finding]:
    """The raw trace judged by the run rules, and against every printed figure."""
    try:
        again = replay.judge(folder.energy(place.tree.root / place.path))
    except ContentError as exc:
        yield finding("trace-damaged", place.path, exc.seen.replace(str(place.tree.root), "."))
        return
    where = place.path / (JSON if again.format == "mlcommons" else "trace1-energy.bin")
    for reason in again.reasons:
        if "printed figures are not what" not in reason:
            yield finding("energy-invalid", where, reason)
    for difference in again.differences:
        gives = "nothing" if difference.recomputed is None else f"{difference.recomputed:.8g}"
        yield finding(
            "energy-differs",
            place.path / RESULTS,
            f"{difference.what}: {difference.printed:.8g}; the trace gives {gives}",
        )


def _printed(place: Place, *, rules: bool) -> Iterator[Finding]:
    """`rules`: no trace was judged, so the printed windows are."""
    printed, path = place.printed, place.path / RESULTS
    if printed is None:
        return
    if rules:
        yield from _rules(place)
    yield from _both(place)
    costs = [row.uj_per_inference for row in printed.energy_windows if row.uj_per_inference]
    if costs and printed.median_uj:
        figure = printed.median_uj[-1]
        middle = median(cost.value for cost in costs)
        if not figure.agrees(middle, slack=max(cost.half_digit for cost in costs)):
            yield finding(
                "figures-differ",
                path,
                f"the median is printed as {figure.value:g} uJ; that of the windows is {middle:.6g}",
                line=figure.line,
            )
    for row in printed.energy_windows:
        if row.uj and row.uj_per_inference and row.inferences and row.inferences.value:
            cost = row.uj.value / row.inferences.value
            if not row.uj_per_inference.agrees(cost, slack=row.uj.half_digit / row.inferences.value):
                yield finding(
                    "figures-differ",
                    path,
                    f"window {row.number}: {row.uj.value:g} uJ for {row.inferences.value:g} inferences are {cost:.6g} "
                    f"uJ each, not {row.uj_per_inference.value:g}",
                    line=row.uj_per_inference.line,
                )


def _rules(place: Place) -> Iterator[Finding]:
    rows = place.printed.energy_windows if place.printed else []
    if len(rows) != WINDOWS:
        yield finding("window-count", place.path / RESULTS, f"{len(rows)} windows; the rules want {WINDOWS}")
    for row in rows:
        if row.seconds and row.seconds.value < MIN_SECONDS:
            yield finding(
                "window-short",
                place.path / RESULTS,
                f"window {row.number} lasted {row.seconds.value:g} s; the rules want {MIN_SECONDS:g} s",
                line=row.seconds.line,
            )


def _both(place: Place) -> Iterator[Finding]:
    """EnergyRunner prints throughput too: its windows are judged as in performance mode, their number only once."""
    if place.printed and place.printed.windows:
        known = {"window-count", "window-short"}
        yield from (found for found in performance.windows(place, place.printed.windows) if found.kind not in known)
