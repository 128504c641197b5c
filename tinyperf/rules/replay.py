"""A recorded energy session computed again from its raw trace, and judged by the run rules."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tinyperf.result import Energy
from tinyperf.rules import joules, recordings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tinyperf.result import EnergyWindow

AGREES = 1e-7
"""Relative, beside half the printed digit: the float32 samples carry no more."""


@dataclass(frozen=True)
class Difference:
    """A printed figure that the raw trace does not give."""

    what: str
    printed: float
    recomputed: float | None


@dataclass(frozen=True)
class Replay:
    """`windows` are those the original tool printed, by its own rule; `windows_by_role` those the transcript proves.

    The two differ where the tool paired pulses wrongly; `reasons` then says so.
    """

    format: recordings.Format
    valid: bool
    reasons: tuple[str, ...]
    windows: tuple[EnergyWindow, ...]
    median_uj_per_inference: float | None
    uj_interval: tuple[float, float] | None
    windows_by_role: tuple[EnergyWindow, ...]
    printed: int
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


def replay(folder: Path) -> Replay:
    """The session in `folder` again.

    Raises: ContentError: no energy session, or one whose files are damaged beyond judging.
    """
    return judge(recordings.load(folder))


def figures_of(session: Path) -> tuple[Energy | None, tuple[str, ...]]:
    """Energy of a session of our own, and what speaks against its validity; None where nothing was recorded."""
    if not (session / recordings.SIDECAR).is_file():
        return None, ()
    found = replay(session)
    if found.median_uj_per_inference is None or found.uj_interval is None:
        return None, found.reasons
    return Energy(found.median_uj_per_inference, found.uj_interval, found.windows), found.reasons


def judge(recording: recordings.Recording) -> Replay:
    """Windows, median, comparison with what was printed, and every reason against the session's validity."""
    windows = _windows(recording, recording.spans)
    pairing = joules.pair(recording.pulses_s, recording.expected)
    by_role = windows if pairing.spans == recording.spans else _windows(recording, pairing.spans)
    reasons = [*recording.damage, *pairing.reasons]
    if not _same(pairing.spans, recording.spans):
        reasons.append("the printed windows are not the ones between start and stop pulses")
    reasons += joules.rule_reasons(windows, [s.inferences for s in recording.spans], required=recording.required)
    reasons += joules.uneven_reasons(windows, [s.inferences for s in recording.spans])
    reasons += joules.uneven_energy_reasons(windows)
    reasons += joules.range_reasons(recording.samples_j, recording.sample_rate_hz, recording.spans, recording.range_w)
    figures = _figures(recording, windows)
    differences = [
        Difference(p.what, p.value, figures.get(p.what)) for p in recording.printed if not _agrees(p, figures)
    ]
    if differences:
        reasons.append(f"{len(differences)} of {len(recording.printed)} printed figures are not what the trace gives")
    return Replay(
        recording.format,
        not reasons,
        tuple(dict.fromkeys(reasons)),
        windows,
        joules.median_uj(windows),
        joules.interval_uj(windows, accuracy=recording.accuracy, edge_s=recording.edge_s),
        by_role,
        len(recording.printed),
        tuple(differences),
        recording.notes,
    )


def _same(one: Sequence[joules.Span], other: Sequence[joules.Span]) -> bool:
    return [(s.begin_s, s.end_s) for s in one] == [(s.begin_s, s.end_s) for s in other]


def _windows(recording: recordings.Recording, spans: Sequence[joules.Span]) -> tuple[EnergyWindow, ...]:
    """Each span by the rule of the tool that made the recording."""
    samples, rate_hz = recording.samples_j, recording.sample_rate_hz
    if recording.format == "energyrunner":
        times_s = joules.sample_times_s(len(samples), rate_hz)
        sums = [joules.parity_j(samples, times_s, s.begin_s, s.end_s)[0] for s in spans]
    elif recording.format == "mlcommons":
        sums = [joules.indexed_j(samples, round(s.begin_s * rate_hz), round(s.end_s * rate_hz)) for s in spans]
    else:
        sums = [joules.fractional_j(samples, rate_hz, s.begin_s, s.end_s) for s in spans]
    return tuple(joules.window(s.begin_s, s.end_s, total, s.inferences) for s, total in zip(spans, sums, strict=True))


def _figures(recording: recordings.Recording, windows: Sequence[EnergyWindow]) -> Mapping[str, float]:
    """Every figure a tool may have printed, by the name that `recordings` gives it."""
    step = 2 if recording.format == "energyrunner" else 1
    found: dict[str, float] = {}
    rates = []
    for index, (one, span, power_w) in enumerate(zip(windows, recording.spans, powers_w(recording), strict=True), 1):
        name = f"window {index * step}"
        rates.append(span.inferences / one.seconds if one.seconds > 0 else 0.0)
        found |= {
            f"{name} at time": one.start_s,
            f"{name} for": one.seconds,
            f"{name} Runtime": one.seconds,
            f"{name} Energy": one.uj,
            f"{name} Power": power_w * 1e6,
            f"{name} Power mW": power_w * 1e3,
            f"{name} Energy/Inf.": one.uj_per_inference,
            f"{name} Throughput": rates[-1],
        }
    if windows:
        found["median Energy/Inf."] = statistics.median(w.uj_per_inference for w in windows)
        found["median Throughput"] = statistics.median(rates)
    return found


def powers_w(recording: recordings.Recording) -> list[float]:
    """Mean power of each window by the rule of the tool that made the recording."""
    if recording.format == "energyrunner":
        times_s = joules.sample_times_s(len(recording.samples_j), recording.sample_rate_hz)
        return [joules.parity_j(recording.samples_j, times_s, s.begin_s, s.end_s)[1] for s in recording.spans]
    windows = _windows(recording, recording.spans)
    return [w.uj * 1e-6 / w.seconds if w.seconds > 0 else 0.0 for w in windows]


def _agrees(printed: recordings.Printed, figures: Mapping[str, float]) -> bool:
    value = figures.get(printed.what)
    tolerance = 0.5 * 10.0**-printed.decimals + AGREES * abs(printed.value)
    return value is not None and abs(value - printed.value) <= tolerance
