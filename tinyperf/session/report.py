"""Results of a session from its plan and its trials: figures, and the files that others read. Pure.

Formats: `results.json`, `results.txt`, `log.txt` as mlcommons/tiny `benchmark/runner` writes them (1afd2c9); `eembc/`
as EnergyRunner 3.0.10 does. Both submission-checker patterns hold; what they would hide (estimated, a subset, a
broken rule) stands in the same line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.result import Accuracy, Energy, EngineDetails, Memory, RunResult, Toolchain
from tinyperf.rules import accuracy as scores
from tinyperf.rules import windows as rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy.typing as npt

    from tinyperf.device.dut import Direction
    from tinyperf.session.trials import Trial

RULE = "-" * 57
SHORT = "The run must take at least 10 seconds and 10 iterations to be valid"


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


# -------------------------------------------------------------------- the MLCommons runner's files


def mlc_results_json(measured: Measured) -> str:
    """List of one object per input, keys and types as the MLCommons runner writes them (classes and class are text)."""
    return json.dumps([_mlc_row(measured.plan, trial) for trial in measured.trials]) + "\n"


def _mlc_row(plan: Mapping[str, Any], trial: Trial) -> dict[str, Any]:
    sample = plan["samples"][trial.index]
    cut = sample["windows"] > 1 or plan["stride_bytes"]
    infer: dict[str, Any] = {}
    if trial.start_us is not None:
        infer |= {"start_time": trial.start_us, "end_time": trial.end_us}
    infer["results"] = list(trial.results)
    if trial.start_us is not None:
        infer["elapsed_time"] = trial.device_us
    infer |= {"total_inferences": 1, "iterations": trial.inferences, "warmups": trial.warmups}
    if plan["mode"] == "performance":
        infer["throughput"] = _throughput(trial)
    return {
        "file": trial.name,
        "classes": str(plan["classes"]),
        "class": str(sample["label"]),
        "bytes_to_send": str(plan["input_bytes"]) if cut else None,
        "stride": str(plan["stride_bytes"]) if cut else None,
        "total_length": sample["windows"] if cut else None,
        "infer": infer,
        "mode": plan["mode"][0],
    }


def _throughput(trial: Trial) -> float:
    return trial.inferences / (trial.device_us / 1e6) if trial.device_us else 0.0


def mlc_results_txt(measured: Measured, found: RunResult) -> str:
    """`results.txt`: a paragraph for each window and the median, or top-1 and AUC."""
    stamp = _stamp(measured.plan, measured.trials[-1].at_s if measured.trials else 0.0)
    lines = []
    if found.mode == "performance":
        for k, trial in enumerate(measured.trials, start=1):
            lines += [
                f"Performance results for window {k}",
                f"    # Inferences : {trial.inferences}",
                f"    Runtime: {trial.device_us / 1e6} sec.",
                f"    Throughput: {_throughput(trial)} inf./sec.",
                f"    {'Runtime requirements have been met.' if _met(trial) else f'e-[{SHORT}]'}",
            ]
    lines += [f"{stamp} ulp-mlperf: {text}" for text in _headline(measured, found, eembc=False)]
    lines += [f"{stamp} ulp-mlperf: not valid: {reason}" for reason in found.reasons]
    return "\n".join(lines) + "\n"


def _met(trial: Trial) -> bool:
    return trial.device_us >= rules.MIN_SECONDS * 1e6 and trial.inferences >= rules.MIN_INFERENCES


def _headline(measured: Measured, found: RunResult, *, eembc: bool) -> list[str]:
    """The lines that the submission checker looks for, remarks in the same line."""
    note = remark(found)
    if found.performance:
        figure = f"{found.performance.throughput_ips:.3f}" if eembc else f"{found.performance.throughput_ips:>10.3f}"
        return [RULE, f"Median throughput is {figure} inf./sec.{note}", RULE]
    if found.accuracy:
        rows, labels = outputs(measured)
        lines = []
        if rows.shape[1] > 1:
            top1 = 100 * scores.top1(rows, labels)
            lines.append(f"Top-1: {top1:.1f}%{note}" if eembc else f"Top 1% = {top1:2.1f}{note}")
        area = scores.auc(rows, labels)
        if area is not None:
            lines.append(f"AUC: {area:.3f}{note}" if eembc else f"AUC = {area:.3f}{note}")
        return lines
    if found.energy:
        return [RULE, f"Median energy cost is {found.energy.uj_per_inference:.3f} uJ/inf.{note}", RULE]
    return ["Nothing was measured."]


def mlc_log(measured: Measured, found: RunResult) -> Iterator[str]:
    """`log.txt`, line by line."""
    plan = measured.plan
    yield f"Logging initialized. Writing output to {plan['session']}/log.txt"
    yield f"tinyperf {plan['tinyperf']}: {plan['transport']} {plan['where']}"
    yield f"Device name retrieved: {plan['vendor']}"
    yield f"Device profile retrieved: {plan['profile']}"
    yield f"Device model retrieved: {plan['model_id']}"
    for k, trial in enumerate(measured.trials, start=1):
        stamp = _stamp(plan, trial.at_s)
        yield f"{stamp} ulp-mlperf: Loading file {trial.name} segment {trial.window}"
        yield f"{stamp} ulp-mlperf: Load complete."
        yield f"Running inference with {trial.warmups}/{trial.inferences} (warmup/measured) iterations ..."
        yield "done"
        if trial.device_us:
            yield f"{stamp} ulp-mlperf: Performance results for window {k}:"
            yield f"{stamp} ulp-mlperf:   # Inferences : {trial.inferences:>13}"
            yield f"{stamp} ulp-mlperf:   Runtime      : {trial.device_us / 1e6:>10.3f} sec."
            yield f"{stamp} ulp-mlperf:   Throughput   : {_throughput(trial):>10.3f} inf./sec."
        yield f"{stamp} ulp-mlperf:   m-results    : {list(trial.results)}"
    for note in measured.notes:
        yield f"note: {note}"
    yield "-" * 20
    yield from mlc_results_txt(measured, found).splitlines()
    yield f"Session logged in file {plan['session']}/log.txt"


def _stamp(plan: Mapping[str, Any], at_s: float) -> str:
    """Time of day as `%m%d.%H%M%S`: the session's start plus the transcript's clock."""
    return (datetime.fromisoformat(plan["created"]) + timedelta(seconds=at_s)).strftime("%m%d.%H%M%S")


# -------------------------------------------------------------------- EnergyRunner's files


def eembc_results_txt(measured: Measured, found: RunResult) -> str:
    """`eembc/results.txt`; windows are numbered 2, 4, 6, ... because a timestamp stands before the first."""
    lines = []
    energy = found.energy.windows if found.energy else ()
    code = _code(measured.plan)
    for k, window in enumerate(energy):
        lines += [
            f"Energy data for window {2 * k + 2} at time {window.start_s:.2f} for {window.seconds:.2f} sec.:",
            f"  Energy       : {window.uj:>13.3f} uJ",
            f"  Power        : {window.uj / window.seconds:>13.3f} uW",
            f"  Energy/Inf.  : {window.uj_per_inference:>13.3f} uJ/inf.",
        ]
    lines += _headline(measured, found, eembc=True) if energy else []
    if found.mode != "accuracy":
        for k, trial in enumerate(measured.trials):
            seconds = energy[k].seconds if k < len(energy) else trial.device_us / 1e6
            met = seconds >= rules.MIN_SECONDS and trial.inferences >= rules.MIN_INFERENCES
            lines += [
                f"Performance results for window {2 * k + 2}:",
                f"  # Inferences : {trial.inferences:>12}",
                f"  Runtime      : {seconds:>12.3f} sec.",
                f"  Throughput   : {trial.inferences / seconds if seconds else 0.0:>12.3f} inf./sec.",
                "Runtime requirements have been met." if met else f"e-[{SHORT}]",
            ]
    if energy:
        throughput = median(t.inferences / w.seconds for t, w in zip(measured.trials, energy, strict=False))
        lines += [RULE, f"Median throughput is {throughput:.3f} inf./sec.{remark(found)}", RULE]
    else:
        lines += _headline(measured, found, eembc=True)
    if found.mode != "accuracy":
        lines.append("Cannot compute accuracy metrics in single-run mode.")
    at = _seconds(measured.trials[-1].at_s if measured.trials else 0.0)
    return "\n".join(f"{at} {code}: {line}" for line in lines) + "\n"


def _code(plan: Mapping[str, Any]) -> str:
    return "ulp-ml" if plan["mode"] == "energy" else "ulp-mlperf"


def eembc_script(measured: Measured) -> str:
    """`eembc/script.async`: the commands of the run as EnergyRunner's own script lists them."""
    entries = ["    {\n        cmd: 'dut profile'\n    }", "    {\n        cmd: 'dut timestamp'\n    }"]
    for trial in measured.trials:
        entries.append(f"    {{\n        cmd: '{_bload(measured.plan, trial.name, trial.window)}'\n    }}")
        infer = f"dut infer {trial.inferences} {trial.warmups}"
        entries.append(f"    {{\n        cmd: '{infer}',\n        ms: -1,\n        ack: /dut.?: m-ready/\n    }}")
    return "[\n" + ",\n".join(entries) + "\n]\n"


def _bload(plan: Mapping[str, Any], name: str, window: int) -> str:
    at = f" {window * plan['stride_bytes']} {plan['input_bytes']}" if plan["stride_bytes"] else ""
    return f'bload dut "{name}"{at}'


def eembc_log(plan: Mapping[str, Any], found: Iterable[tuple[Direction, bytes, float]]) -> Iterator[str]:
    """`eembc/log.txt` from the records of a transcript; downloads are muted, as EnergyRunner mutes them."""
    at = _seconds(0.0)
    yield f"{at} session: m-session-start-id[{plan['id']}]"
    title = "Energy" if plan["mode"] == "energy" else "Performance"
    yield f"{at} parser: m-bmark-run-name[ML {title} 1.0.1]-code[{_code(plan)}]"
    for key, value in (
        ("iterWarmup", plan["warmups"]),
        ("iterInfer", plan["inferences"]),
        ("runMode", "accuracy" if plan["mode"] == "accuracy" else "bmark"),
        ("model", plan["model_id"]),
    ):
        yield f"{at} parser: m-bm-cfg-name[{_code(plan)}]-key[{key}]-val[{value}]"
    muted, line, count = False, b"", 0
    for direction, data, at_s in found:
        at = _seconds(at_s)
        if direction == "note":
            words = data.decode().split(" ", 3)
            if words[0] == "sample" and len(words) == 4:
                count += 1
                command = _bload(plan, words[3].split(" again: ")[0], int(words[2]))
                yield f"{at} sequencer: m-sequencing-i[{count}]-command[{command}]-ack[/parser: m-ready/]"
                yield f'{at} parser: Command "{command}"'
                yield f"{at} parser: m-mute-target[dut]"
            elif words[0] in {"emon:", "io:", "sequencer:"}:  # energy mode: said by or to the instrument
                yield f"{at} {data.decode()}"
            elif words[0] != "pilot":
                yield f"{at} parser: {data.decode()}"
        elif direction == "host":
            was, muted = muted, data.startswith(b"db ")
            if was and not muted:
                yield f"{at} parser: m-unmute-target[dut]"
                yield f"{at} parser: m-bload-done"
            if not muted:
                yield f'{at} parser: Command "dut {data.decode("ascii", "replace").removesuffix("%")}"'
            line = b""
        elif not muted:
            *whole, line = (line + data.replace(b"\r", b"").replace(b"\0", b"")).split(b"\n")
            for text in whole:
                yield f"{at} dut: {text.decode('ascii', 'replace')}"
    yield f"{at} sequencer: m-sequencer-stop"
    yield f"{at} session: m-session-stop-id[{plan['id']}]"


def _seconds(at_s: float) -> str:
    return f"{at_s:09.3f}"
