"""A recorded session computed again from what was measured, compared with what was printed, judged by the run rules.

Sessions of EnergyRunner, of the MLCommons runner and our own; of performance, accuracy and energy mode.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from tinyperf.benchmark import BENCHMARKS
from tinyperf.datasets import official
from tinyperf.errors import ContentError
from tinyperf.formats import energyrunner, files, mlcommons, own
from tinyperf.formats import folder as formats
from tinyperf.formats import stream as streams
from tinyperf.formats.recorded import Printed, Session
from tinyperf.result import Energy, EnergyWindow, RunResult, Window
from tinyperf.rules import accuracy, joules
from tinyperf.rules import windows as rules
from tinyperf.session import report, store, transcript

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.benchmark import Benchmark
    from tinyperf.formats.recorded import Format, Mode, Recording, Trial

AGREES = 1e-7
"""Relative, beside half the printed digit: the float32 samples carry no more."""
NOT_FIGURES = {"metric", "windows"}  # of a part of a result
LOG_LATENCY_S = rules.line_latency_s(60, 115_200)
"""What a line of a published log may come late: the device's start and end lines at the usual baud rate."""


@dataclass(frozen=True)
class Difference:
    """A printed figure that the measurements do not give."""

    what: str
    printed: float
    recomputed: float | None


@dataclass(frozen=True)
class Replay:
    """What a session comes to. Of energy mode, `windows` are those the original tool printed, by its own rule, and
    `windows_by_role` those the transcript proves: they differ where it paired pulses wrongly; `reasons` then says so.

    `top1`, `auc`: 0..1 by the run rules, None without labels. `inputs`: how many were measured. `printed`: how many
    figures were compared. Absent parts are None or empty.
    """

    format: Format
    mode: Mode
    valid: bool
    reasons: tuple[str, ...]
    windows: tuple[EnergyWindow | Window, ...]
    printed: int
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    inputs: int = 0
    throughput_ips: float | None = None
    top1: float | None = None
    auc: float | None = None
    median_uj_per_inference: float | None = None
    uj_interval: tuple[float, float] | None = None
    windows_by_role: tuple[EnergyWindow, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


def replay(folder: Path, labels: Path | None = None) -> Replay:
    """The session in `folder` again.

    Args:   labels: y_labels.csv of inputs whose labels neither the session nor the official list says.
    Raises: ContentError: no session, or one whose files are damaged beyond judging.
    """
    if (folder / store.RECORD).is_file() and not (folder / own.SIDECAR).is_file():
        return _ours(folder)
    if folder.is_dir() and formats.has_energy(folder):
        found = judge(formats.energy(folder))
        return _whole(found, folder) if (folder / store.RECORD).is_file() else found
    session = _session(folder)
    if session.mode == "performance":
        return _performance(session)
    return _accuracy(session, energyrunner.read_labels(labels) if labels else {})


# ------------------------------------------------------------------------------------- performance and accuracy


def _session(folder: Path) -> Session:
    """A session of either other tool, its log read by the reader of our own transcripts."""
    found = formats.rows_or_log(folder)
    if isinstance(found, Session):
        if found.mode == "energy":
            raise _no_trace(folder)
        return found
    if found.mode == "energy":
        raise _no_trace(folder)
    read = transcript.read(found.records, pulses=found.mode == "accuracy")  # whose timestamps nobody needs
    results = files.either(folder, *energyrunner.RESULTS)
    lost = len(read.begun) - len(read.trials)
    damage = [*found.damage, *([f"{lost} of {len(read.begun)} inputs have no result in the log"] if lost else [])]
    trials = tuple(read.trials[key] for key in sorted(read.trials))
    printed = energyrunner.read_results(results) if results else ()
    notes = () if printed else ("no results.txt with figures: nothing printed to compare with",)
    return Session("energyrunner", found.mode, found.model, trials, printed, tuple(damage), notes)


def _no_trace(folder: Path) -> ContentError:
    return ContentError(
        f"{folder} is of energy mode, and holds no raw trace",
        means="without samples and pulses no energy can be computed again",
        hint="give a folder with trace1-energy.bin, or results.json with power samples",
    )


def _performance(session: Session) -> Replay:
    timed = [
        rules.Timed(
            t.name, t.inferences, t.device_us or 0, t.host_s if math.isfinite(t.host_s) else None, LOG_LATENCY_S
        )
        for t in session.trials
    ]
    found = rules.performance(timed)
    windows = found.windows if found else ()
    step = 2 if session.format == "energyrunner" else 1  # a timestamp stands before EnergyRunner's first window
    figures: dict[str, float] = {"median Throughput": found.throughput_ips} if found else {}
    for number, window in enumerate(windows, 1):
        name = f"window {number * step}"
        figures |= {
            f"{name} Inferences": window.inferences,
            f"{name} Runtime": window.seconds,
            f"{name} Throughput": window.throughput_ips,
        }
    reasons = [*session.damage, *rules.reasons(timed, cross_check=True)]
    return _compared(session, reasons, figures, windows=windows, throughput_ips=found.throughput_ips if found else None)


def _accuracy(session: Session, given: Mapping[str, int]) -> Replay:
    benchmark = next((b for b in BENCHMARKS.values() if b.model_id == session.model), None)
    labels, by_input = {**_labels(session, benchmark), **given}, _by_input(session.trials)
    reasons, notes = [*session.damage], [*session.notes]
    if benchmark and len(by_input) != benchmark.samples:
        reasons.append(f"{len(by_input)} of {benchmark.samples} inputs were measured")
    lengths = {len(rows) for rows in by_input.values()}
    if benchmark and lengths - {benchmark.windows_per_file}:
        reasons.append(f"inputs of {min(lengths)} to {max(lengths)} windows, {benchmark.windows_per_file} are expected")
    widths = {len(t.results) for t in session.trials}
    if len(widths) != 1:
        reasons.append(f"results of {min(widths, default=0)} to {max(widths, default=0)} values in one session")
        return _compared(replace(session, printed=()), reasons, {}, notes=notes)
    unknown = [name for name in by_input if name not in labels]
    if unknown:
        reasons.append(
            f"no label for {len(unknown)} inputs such as {unknown[0]}: give their y_labels.csv with --labels"
        )
        return _compared(replace(session, printed=()), reasons, {}, notes=notes)
    outputs = np.array([np.mean(rows, axis=0) for rows in by_input.values()], np.float64)
    classes = np.array([labels[name] for name in by_input], np.int64)
    return _scored(session, reasons, notes, outputs, classes)


def _scored(
    session: Session,
    reasons: list[str],
    notes: list[str],
    outputs: npt.NDArray[np.float64],
    classes: npt.NDArray[np.int64],
) -> Replay:
    area = accuracy.auc(outputs, classes)
    theirs = accuracy.eembc_auc(outputs, classes) if session.format == "energyrunner" else area
    figures = {} if theirs is None else {"AUC": theirs}
    top1 = None
    if outputs.shape[1] > 1:
        top1 = accuracy.top1(outputs, classes)
        figures["Top-1 %"] = 100 * top1
    elif any(p.what == "Top-1 %" for p in session.printed):
        notes.append("a detector of anomalies has no top-1: what is printed as such is not compared")
        session = replace(session, printed=tuple(p for p in session.printed if p.what != "Top-1 %"))
    return _compared(session, reasons, figures, notes=notes, top1=top1, auc=area)


def _by_input(trials: Sequence[Trial]) -> dict[str, list[tuple[float, ...]]]:
    found: dict[str, list[tuple[float, ...]]] = {}
    for trial in trials:
        found.setdefault(trial.name, []).append(trial.results)
    return found


def _labels(session: Session, benchmark: Benchmark | None) -> dict[str, int]:
    """Class of each input, by its name: what the session says, else what the official list says."""
    known = {one.name: one.label for one in official.inputs(benchmark.name)} if benchmark else {}
    return known | {t.name: t.label for t in session.trials if t.label is not None}


def _compared(
    session: Session,
    reasons: list[str],
    figures: Mapping[str, float],
    *,
    notes: Sequence[str] | None = None,
    windows: tuple[Window, ...] = (),
    throughput_ips: float | None = None,
    top1: float | None = None,
    auc: float | None = None,
) -> Replay:
    differences, told = _differences(session.printed, figures)
    reasons = [*reasons, *told]
    return Replay(
        session.format,
        session.mode,
        not reasons,
        tuple(dict.fromkeys(reasons)),
        windows,
        len(session.printed),
        differences,
        tuple(session.notes if notes is None else notes),
        inputs=len(_by_input(session.trials)),
        throughput_ips=throughput_ips,
        top1=top1,
        auc=auc,
    )


def _differences(printed: Sequence[Printed], figures: Mapping[str, float]) -> tuple[tuple[Difference, ...], list[str]]:
    found = tuple(Difference(p.what, p.value, figures.get(p.what)) for p in printed if not _agrees(p, figures))
    return found, [
        f"{len(found)} of {len(printed)} printed figures are not what the measurements give"
    ] if found else []


def _agrees(printed: Printed, figures: Mapping[str, float]) -> bool:
    value = figures.get(printed.what)
    tolerance = 0.5 * 10.0**-printed.decimals + AGREES * abs(printed.value)
    return value is not None and abs(value - printed.value) <= tolerance


# ---------------------------------------------------------------------------------------------------- our own


def measured_of(session: store.Session) -> report.Measured:
    """Record and trials of a session, the trials in the order of their inputs."""
    read = store.read_back(session.at, pulses=session.record.pulses)
    trials = {key: trial for one in read for key, trial in one.trials.items()}
    samples = session.record.planned.samples
    for index, window in sorted(trials):
        name = trials[index, window].name
        if index >= len(samples) or name != samples[index].name or window >= samples[index].windows:
            raise ContentError(
                f"{session.at}: the transcript holds input {index} window {window} '{name}', {store.RECORD} does not",
                means="one of the two files was changed, or belongs to another session",
                hint=files.AGAIN,
            )
    notes = tuple(note for one in read for note in one.notes)
    stream = streams.read(session.at)
    ordered = () if stream else tuple(trials[key] for key in sorted(trials))
    measured = report.Measured(session.at, session.record, ordered, notes, stream=stream)
    if session.record.pulses:
        energy, reasons = figures_of(session.at)
        return replace(measured, energy=energy, energy_reasons=reasons)
    return measured


def stream_power(session: store.Session) -> list[mlcommons.Row]:
    """The `power` entry of results.json of a stream that an instrument recorded."""
    if not (session.at / own.SIDECAR).is_file():
        return []
    return mlcommons.power(formats.energy(session.at), session.record.learned.supply_mv or 0)


def recompute(folder: Path) -> RunResult:
    """The figures of a session from its folder; writes nothing."""
    return report.result(measured_of(store.load(folder)))


def _whole(energy: Replay, folder: Path) -> Replay:
    """An energy session of our own, judged like the run that made it: a stream's words and frames count too."""
    reasons = tuple(dict.fromkeys((*energy.reasons, *report.result(measured_of(store.load(folder))).reasons)))
    return replace(energy, valid=not reasons, reasons=reasons)


def _ours(folder: Path) -> Replay:
    """A performance or accuracy session of our own, beside the result that it holds."""
    session = store.load(folder)
    found, held = report.result(measured_of(session)), session.record.result
    now = _flat(found.as_dict())
    try:
        printed = [Printed(what, value, 6) for what, value in _flat(held).items()] if held else []
    except (ArithmeticError, AttributeError, TypeError, ValueError) as exc:
        path = folder / store.RECORD
        raise ContentError(f"{path} is damaged: its result holds what is no figure: {exc}", hint=files.AGAIN) from exc
    differences, told = _differences(printed, now)
    reasons = [*found.reasons, *told]
    metric = found.accuracy.metric if found.accuracy else None
    return Replay(
        "tinyperf",
        found.mode,
        not reasons,
        tuple(reasons),
        found.performance.windows if found.performance else (),
        len(printed),
        differences,
        (*found.notes, *(() if printed else ("session.json holds no result: nothing to compare with",))),
        inputs=len(found.performance.windows) if found.performance else found.accuracy.samples if found.accuracy else 0,
        throughput_ips=found.performance.throughput_ips if found.performance else None,
        top1=found.accuracy.value if found.accuracy and metric == "top1" else None,
        auc=found.accuracy.value if found.accuracy and metric == "auc" else None,
    )


def _flat(result: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a result by name: `performance latency_ms`, `accuracy value`, `window 1 seconds`."""
    found = {}
    for part in ("performance", "accuracy"):
        for key, value in (result.get(part) or {}).items():
            if not (value is None or key in NOT_FIGURES):
                found[f"{part} {key}"] = _number(value)
    for number, window in enumerate((result.get("performance") or {}).get("windows") or (), 1):
        found |= {f"window {number} {key}": _number(value) for key, value in window.items()}
    return found


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not files.is_number(value):
        raise ValueError(repr(value))
    return float(value)


def figures_of(session: Path) -> tuple[Energy | None, tuple[str, ...]]:
    """Energy of a session of our own, and what speaks against its validity; None where nothing was recorded."""
    if not (session / own.SIDECAR).is_file():
        return None, ()
    recording = formats.energy(session)
    found = judge(recording)
    if found.median_uj_per_inference is None or found.uj_interval is None:
        return None, found.reasons
    return Energy(found.median_uj_per_inference, found.uj_interval, energy_windows(recording)), found.reasons


class OtherTools(TypedDict):
    """What `report.texts` needs of an energy session's trace."""

    energy: list[tuple[EnergyWindow, float]]
    power: list[mlcommons.Row]


def other_tools(session: Path, supply_mv: int) -> OtherTools:
    """The trace in both existing tools' formats, each with the figures that tool computes from its own files.

    EnergyRunner's is written into `eembc/`, whose log is there already.
    """
    recording = formats.energy(session)
    energyrunner.write_trace(session / "eembc", recording)
    theirs = formats.energy(session / "eembc")
    return {
        "energy": list(zip(energy_windows(theirs), powers_w(theirs), strict=True)),
        "power": mlcommons.power(recording, supply_mv),
    }


# ------------------------------------------------------------------------------------------------------ energy


def judge(recording: Recording) -> Replay:
    """Windows, median, comparison with what was printed, and every reason against the session's validity."""
    windows = energy_windows(recording)
    pairing = joules.pair(recording.pulses_s, recording.expected)
    by_role = windows if pairing.spans == recording.spans else _windows(recording, pairing.spans)
    counts = [s.inferences for s in recording.spans]
    reasons = [*recording.damage, *pairing.reasons]
    if not _same(pairing.spans, recording.spans):
        reasons.append("the printed windows are not the ones between start and stop pulses")
    reasons += joules.rule_reasons(windows, counts, required=recording.required)
    reasons += joules.uneven_reasons(windows, counts)
    reasons += joules.uneven_energy_reasons(windows)
    reasons += joules.range_reasons(recording.samples_j, recording.sample_rate_hz, recording.spans, recording.range_w)
    differences, told = _differences(recording.printed, _figures(recording, windows))
    reasons += told
    return Replay(
        recording.format,
        "energy",
        not reasons,
        tuple(dict.fromkeys(reasons)),
        windows,
        len(recording.printed),
        differences,
        recording.notes,
        inputs=len(windows),
        median_uj_per_inference=joules.median_uj(windows),
        uj_interval=joules.interval_uj(windows, accuracy=recording.accuracy, edge_s=recording.edge_s),
        windows_by_role=by_role,
    )


def _same(one: Sequence[joules.Span], other: Sequence[joules.Span]) -> bool:
    return [(s.begin_s, s.end_s) for s in one] == [(s.begin_s, s.end_s) for s in other]


def energy_windows(recording: Recording) -> tuple[EnergyWindow, ...]:
    """The windows of a recording by the rule of the tool that made it."""
    return _windows(recording, recording.spans)


def _windows(recording: Recording, spans: Sequence[joules.Span]) -> tuple[EnergyWindow, ...]:
    samples, rate_hz = recording.samples_j, recording.sample_rate_hz
    if recording.format == "energyrunner":
        times_s = joules.sample_times_s(len(samples), rate_hz)
        sums = [joules.parity_j(samples, times_s, s.begin_s, s.end_s)[0] for s in spans]
    elif recording.format == "mlcommons":
        sums = [joules.indexed_j(samples, round(s.begin_s * rate_hz), round(s.end_s * rate_hz)) for s in spans]
    else:
        sums = [joules.fractional_j(samples, rate_hz, s.begin_s, s.end_s) for s in spans]
    return tuple(joules.window(s.begin_s, s.end_s, total, s.inferences) for s, total in zip(spans, sums, strict=True))


def _figures(recording: Recording, windows: Sequence[EnergyWindow]) -> Mapping[str, float]:
    """Every figure a tool may have printed, by the name that `formats` gives it."""
    step = 2 if recording.format == "energyrunner" else 1
    found: dict[str, float] = {}
    rates = []
    for index, (one, span, power_w) in enumerate(zip(windows, recording.spans, powers_w(recording), strict=True), 1):
        name = f"window {index * step}"
        rates.append(span.inferences / one.seconds if one.seconds > 0 else 0.0)
        found |= {
            f"{name} at time": one.start_s,
            f"{name} for": one.seconds,
            f"{name} Inferences": span.inferences,
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


def powers_w(recording: Recording) -> list[float]:
    """Mean power of each window by the rule of the tool that made the recording."""
    if recording.format == "energyrunner":
        times_s = joules.sample_times_s(len(recording.samples_j), recording.sample_rate_hz)
        return [joules.parity_j(recording.samples_j, times_s, s.begin_s, s.end_s)[1] for s in recording.spans]
    windows = energy_windows(recording)
    return [w.uj * 1e-6 / w.seconds if w.seconds > 0 else 0.0 for w in windows]
