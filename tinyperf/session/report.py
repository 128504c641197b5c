"""Results of a session from its record and its trials: figures, and the files that others read. Pure.

Formats: `results.json`, `results.txt`, `log.txt` as mlcommons/tiny `benchmark/runner` writes them (1afd2c9); `eembc/`
as EnergyRunner 3.0.10 does. Both submission-checker patterns hold; what they would hide (estimated, a subset, a
broken rule) stands in the same line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.device.happenings import AGAIN
from tinyperf.figures import error
from tinyperf.formats import energyrunner, mlcommons
from tinyperf.formats.recorded import About, Figures
from tinyperf.result import Accuracy, Energy, ModelFile, RunResult
from tinyperf.rules import accuracy as scores
from tinyperf.rules import windows as rules
from tinyperf.session import stream_figures
from tinyperf.session.stream_figures import Parts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.formats.recorded import Trial
    from tinyperf.formats.stream import Stream
    from tinyperf.result import EnergyWindow, Performance
    from tinyperf.session.record import Record


@dataclass(frozen=True)
class Measured:
    """What a session in the folder `at` holds: its record, the trials in the order of their inputs, and the notes."""

    at: Path
    record: Record
    trials: tuple[Trial, ...]
    notes: tuple[str, ...] = ()
    energy: Energy | None = None
    energy_reasons: tuple[str, ...] = ()
    stream: Stream | None = None


def result(measured: Measured) -> RunResult:
    """The figures of a session; the same for a run that has just ended and for one read back from its folder."""
    record, planned = measured.record, measured.record.planned
    parts = _of_stream(measured, measured.stream) if measured.stream else _of_trials(measured)
    return RunResult(
        benchmark=planned.benchmark,
        board=planned.board,
        engine=planned.engine,
        transport=record.transport,
        mode=planned.mode,
        valid=not parts.reasons,
        reasons=parts.reasons,
        inputs=planned.inputs,
        estimated=planned.estimated,
        session=str(measured.at),
        target_met=parts.target_met,
        error_percent=planned.error_percent if planned.mode != "accuracy" else None,
        build_id=record.build_id,
        toolchain=planned.toolchain,
        engine_details=planned.engine_details,
        performance=parts.performance,
        accuracy=parts.accuracy,
        energy=measured.energy,
        memory=planned.memory,
        notes=record.notes + _notes(measured),
        name=planned.request.name,
        created=planned.created.isoformat(),
        model=ModelFile(**planned.model.model_dump()) if planned.model else None,
        clock_hz=planned.clock_hz,
        cycles_per_inference=_cycles(parts.performance, planned.clock_hz),
        streaming=parts.streaming,
    )


def _of_stream(measured: Measured, stream: Stream) -> Parts:
    """Of the streaming wakeword."""
    planned = measured.record.planned
    reasons = (*measured.energy_reasons, *(() if measured.energy else ("no energy was measured",)))
    return stream_figures.parts(stream, planned, measured.energy, reasons if planned.mode == "energy" else ())


def _of_trials(measured: Measured) -> Parts:
    """Of inputs that were measured one by one."""
    planned = measured.record.planned
    timed = _timed(measured) if planned.mode == "performance" else []
    accuracy = _accuracy(measured) if planned.mode == "accuracy" else None
    met = None if accuracy is None or accuracy.target is None else accuracy.value >= accuracy.target
    return Parts(rules.performance(timed), accuracy, met, _reasons(measured, timed))


def _cycles(performance: Performance | None, clock_hz: int | None) -> int | None:
    return round(performance.latency_ms * 1e-3 * clock_hz) if performance and clock_hz else None


def _timed(measured: Measured) -> list[rules.Timed]:
    """Windows as the rules look at them."""
    planned = measured.record.planned
    latency_s = rules.line_latency_s(planned.stamp_characters, planned.baud)
    return [rules.Timed(t.name, t.inferences, t.device_us or 0, t.host_s, latency_s) for t in measured.trials]


def _reasons(measured: Measured, timed: list[rules.Timed]) -> tuple[str, ...]:
    planned = measured.record.planned
    uneven = tuple(_width_reasons(measured))
    if planned.mode == "performance":
        return rules.reasons(timed, cross_check=measured.record.transport != "virtual") + uneven
    if planned.mode == "energy":
        energy = () if measured.energy else ("no energy was measured",)
        return (*measured.energy_reasons, *energy, *uneven)
    wanted = sum(sample.windows for sample in planned.samples)
    reasons = [*uneven]
    if len(measured.trials) < wanted:
        reasons.append(f"{len(measured.trials)} of {wanted} inputs were measured")
    if planned.inputs == "subset":
        reasons.append(f"{len(planned.samples)} samples are a part of the set; the rules want all of them")
    labels = {planned.samples[trial.index].label for trial in measured.trials}
    if planned.metric == "auc" and len(labels) == 1:
        reasons.append("all samples measured have the same label; an AUC needs both")
    return tuple(reasons)


def _width_reasons(measured: Measured) -> list[str]:
    """Every input must give as many values; in accuracy mode by the largest of them, one for each class."""
    planned, widths = measured.record.planned, _widths(measured)
    if len(widths) > 1:
        return [f"results of {widths[0]} to {widths[-1]} values in one session"]
    wanted = {planned.classes, 1} if planned.classes == 2 else {planned.classes}  # one output: a probability
    if planned.mode == "accuracy" and planned.metric == "top1" and widths and widths[0] not in wanted:
        return [f"results of {widths[0]} values for {planned.classes} classes"]
    return []


def _widths(measured: Measured) -> list[int]:
    return sorted({len(trial.results) for trial in measured.trials})


def _notes(measured: Measured) -> tuple[str, ...]:
    again = sum(AGAIN in note for note in measured.notes)
    return (f"{again} inputs were sent a second time; the transcript says why",) if again else ()


def outputs(measured: Measured) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Outputs float64 [samples, classes] and labels int64 [samples].

    For ad the mean over a file's windows, [samples, 1]. Samples without any result are left out.
    """
    by_sample: dict[int, list[tuple[float, ...]]] = {}
    for trial in measured.trials:
        by_sample.setdefault(trial.index, []).append(trial.results)
    order = sorted(by_sample)
    rows = np.array([np.mean(np.array(by_sample[k]), axis=0) for k in order], np.float64)
    return rows, np.array([measured.record.planned.samples[k].label for k in order], np.int64)


def _accuracy(measured: Measured) -> Accuracy | None:
    if len(_widths(measured)) != 1:
        return None
    rows, labels = outputs(measured)
    metric = measured.record.planned.metric
    value = scores.score(metric, rows, labels, _targets(measured))
    if value is None:
        return None
    return Accuracy(metric, float(value), measured.record.planned.target, len(rows))


def _targets(measured: Measured) -> npt.NDArray[np.float64] | None:
    """The wanted outputs of the samples that were measured."""
    held = measured.record.planned.targets
    if held is None:
        return None
    return np.array([held[index] for index in sorted({trial.index for trial in measured.trials})])


def remark(found: RunResult) -> str:
    """What must stand beside every figure: estimated, not official, foreign, not valid. Empty where nothing must."""
    parts = []
    if found.estimated and found.mode != "accuracy":
        parts.append(f"estimated, {error(found.error_percent)}")
    if found.estimated and found.mode == "accuracy":
        parts.append("on the virtual board")
    if found.transport == "process":
        parts.append("a process on this computer, not a microcontroller")
    if found.inputs != "official":
        parts.append(f"{found.inputs} inputs")
    if found.engine is None:
        parts.append("foreign firmware")
    if not found.valid:
        parts.append("not valid")
    return f" ({'; '.join(parts)})" if parts else ""


# ------------------------------------------------------------------------------------ the session's files


def about(at: Path, record: Record) -> About:
    """What the files of both existing tools say of the whole."""
    planned = record.planned
    return About(
        id=planned.id,
        mode=planned.mode,
        model=planned.model_id,
        vendor=record.learned.vendor,
        profile=record.learned.profile,
        classes=planned.classes,
        input_bytes=planned.input_bytes,
        stride_bytes=planned.stride_bytes,
        warmups=planned.warmups,
        inferences=record.inferences,
        created=planned.created.isoformat(),
        made_by=f"tinyperf {planned.tinyperf}: {record.transport} {planned.where}",
        where=str(at),
    )


def trials(measured: Measured) -> list[Trial]:
    """The trials with what was planned for their inputs."""
    samples = measured.record.planned.samples
    return [replace(t, label=samples[t.index].label, windows=samples[t.index].windows) for t in measured.trials]


def figures(measured: Measured, found: RunResult) -> Figures:
    """The figures that the files print, remarks beside them."""
    note, reasons = remark(found), found.reasons
    if found.performance:
        return Figures(throughput_ips=found.performance.throughput_ips, note=note, reasons=reasons)
    if found.accuracy:
        rows, labels = outputs(measured)
        top1 = scores.top1(rows, labels) if rows.shape[1] > 1 else None
        areas = {"auc": scores.auc(rows, labels), "eembc_auc": scores.eembc_auc(rows, labels)}
        return Figures(top1=top1, **areas, note=note, reasons=reasons)
    return Figures(uj=found.energy.uj_per_inference if found.energy else None, note=note, reasons=reasons)


def texts(
    measured: Measured,
    found: RunResult,
    *,
    energy: Sequence[tuple[EnergyWindow, float]] = (),
    power: Sequence[mlcommons.Row] = (),
) -> dict[str, str]:
    """Every text file of the session that is derived, by its name in the folder, but for `eembc/log.txt`.

    Args: energy: windows and their power in watts as EnergyRunner computes them. power: entries of results.json.
    """
    whole, each, numbers = about(measured.at, measured.record), trials(measured), figures(measured, found)
    rows = mlcommons.rows(whole, each, power)
    results = mlcommons.results_txt(whole, rows, numbers, each[-1].at_s if each else 0.0)
    return {
        "results.json": json.dumps(rows) + "\n",
        "results.txt": results,
        "log.txt": "\n".join(mlcommons.log_lines(whole, each, measured.notes, results)) + "\n",
        "eembc/results.txt": energyrunner.results_txt(whole, each, numbers, energy),
        "eembc/script.async": energyrunner.script(whole, each),
    }
