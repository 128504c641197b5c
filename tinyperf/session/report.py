"""Results of a session from its plan and its trials: figures, and the files that others read. Pure.

Formats: `results.json`, `results.txt`, `log.txt` as mlcommons/tiny `benchmark/runner` writes them (1afd2c9); `eembc/`
as EnergyRunner 3.0.10 does. Both submission-checker patterns hold; what they would hide (estimated, a subset, a
broken rule) stands in the same line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.formats import energyrunner, mlcommons
from tinyperf.formats.recorded import About, Figures
from tinyperf.result import Accuracy, Energy, EngineDetails, Memory, RunResult, Toolchain
from tinyperf.rules import accuracy as scores
from tinyperf.rules import windows as rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from tinyperf.formats.recorded import Trial
    from tinyperf.result import EnergyWindow


@dataclass(frozen=True)
class Measured:
    """What a session holds: its plan, the trials in the order of their inputs, and what was noted on the way."""

    plan: Mapping[str, Any]
    trials: tuple[Trial, ...]
    notes: tuple[str, ...] = ()
    energy: Energy | None = None
    energy_reasons: tuple[str, ...] = ()


def result(measured: Measured) -> RunResult:
    """The figures of a session; the same for a run that has just ended and for one read back from its folder."""
    plan = measured.plan
    timed = _timed(measured)
    performance = rules.performance(timed) if plan["mode"] == "performance" else None
    accuracy = _accuracy(measured) if plan["mode"] == "accuracy" else None
    reasons = _reasons(measured, timed)
    met = None if accuracy is None or accuracy.target is None else accuracy.value >= accuracy.target
    return RunResult(
        benchmark=plan["benchmark"],
        board=plan["board"],
        engine=plan["engine"],
        transport=plan["transport"],
        mode=plan["mode"],
        valid=not reasons,
        reasons=reasons,
        inputs=plan["inputs"],
        estimated=plan["estimated"],
        session=plan["session"],
        target_met=met,
        error_percent=plan["error_percent"] if plan["mode"] != "accuracy" else None,
        build_id=plan["build_id"],
        toolchain=Toolchain(**plan["toolchain"]) if plan["toolchain"] else None,
        engine_details=EngineDetails(**plan["engine_details"]) if plan["engine_details"] else None,
        performance=performance,
        accuracy=accuracy,
        energy=measured.energy,
        memory=Memory(**plan["memory"]) if plan["memory"] else None,
        notes=tuple(plan["notes"]) + _notes(measured),
    )


def _timed(measured: Measured) -> list[rules.Timed]:
    """Windows as the rules look at them."""
    baud = measured.plan["baud"]
    latency_s = rules.line_latency_s(measured.plan["stamp_characters"], baud)
    return [rules.Timed(t.name, t.inferences, t.device_us, t.host_s, latency_s) for t in measured.trials]


def _reasons(measured: Measured, timed: list[rules.Timed]) -> tuple[str, ...]:
    plan = measured.plan
    if plan["mode"] == "performance":
        return rules.reasons(timed, cross_check=plan["transport"] != "virtual")
    if plan["mode"] == "energy":
        return measured.energy_reasons if measured.energy else (*measured.energy_reasons, "no energy was measured")
    wanted = sum(sample["windows"] for sample in plan["samples"])
    found = []
    if len(measured.trials) < wanted:
        found.append(f"{len(measured.trials)} of {wanted} inputs were measured")
    if plan["inputs"] == "subset":
        found.append(f"{len(plan['samples'])} samples are a part of the set; the rules want all of them")
    if (
        measured.trials
        and plan["metric"] == "auc"
        and len({plan["samples"][t.index]["label"] for t in measured.trials}) < 2
    ):
        found.append("all samples measured have the same label; an AUC needs both")
    return tuple(found)


def _notes(measured: Measured) -> tuple[str, ...]:
    again = sum(" again: " in note for note in measured.notes)
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
    return rows, np.array([measured.plan["samples"][k]["label"] for k in order], np.int64)


def _accuracy(measured: Measured) -> Accuracy | None:
    if not measured.trials:
        return None
    rows, labels = outputs(measured)
    metric = measured.plan["metric"]
    value = scores.top1(rows, labels) if metric == "top1" else scores.auc(rows, labels)
    if value is None:
        return None
    return Accuracy(metric, float(value), measured.plan["target"], len(rows))


def remark(found: RunResult) -> str:
    """What must stand beside every figure: estimated, not official, foreign, not valid. Empty where nothing must."""
    parts = []
    if found.estimated and found.mode != "accuracy":
        parts.append("estimated" + (f", ±{found.error_percent:g} %" if found.error_percent is not None else ""))
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


def about(plan: Mapping[str, Any]) -> About:
    """What the files of both existing tools say of the whole."""
    return About(
        id=plan["id"],
        mode=plan["mode"],
        model=plan["model_id"],
        vendor=plan["vendor"],
        profile=plan["profile"],
        classes=plan["classes"],
        input_bytes=plan["input_bytes"],
        stride_bytes=plan["stride_bytes"],
        warmups=plan["warmups"],
        inferences=plan["inferences"],
        created=plan["created"],
        made_by=f"tinyperf {plan['tinyperf']}: {plan['transport']} {plan['where']}",
        where=plan["session"],
    )


def trials(measured: Measured) -> list[Trial]:
    """The trials with what the plan says of their inputs."""
    samples = measured.plan["samples"]
    return [replace(t, label=samples[t.index]["label"], windows=samples[t.index]["windows"]) for t in measured.trials]


def figures(measured: Measured, found: RunResult) -> Figures:
    """The figures that the files print, remarks beside them."""
    note, reasons = remark(found), found.reasons
    if found.performance:
        return Figures(throughput_ips=found.performance.throughput_ips, note=note, reasons=reasons)
    if found.accuracy:
        rows, labels = outputs(measured)
        top1 = scores.top1(rows, labels) if rows.shape[1] > 1 else None
        return Figures(top1=top1, auc=scores.auc(rows, labels), note=note, reasons=reasons)
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
    whole, each, numbers = about(measured.plan), trials(measured), figures(measured, found)
    rows = mlcommons.rows(whole, each, power)
    results = mlcommons.results_txt(whole, rows, numbers, each[-1].at_s if each else 0.0)
    return {
        "results.json": json.dumps(rows) + "\n",
        "results.txt": results,
        "log.txt": "\n".join(mlcommons.log_lines(whole, each, measured.notes, results)) + "\n",
        "eembc/results.txt": energyrunner.results_txt(whole, each, numbers, energy),
        "eembc/script.async": energyrunner.script(whole, each),
    }
