"""Submission trees without a fault, made up: the forms of the two runners with figures of no device."""

from __future__ import annotations

import json
import random
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("Down", "Go", "Left", "No", "Off", "On", "Right", "Stop", "Up", "Yes", "Silence", "Unknown")
N, WINDOW_S = 250, 10.5
SYSTEM = {
    "Submitter": "Acme",
    "Division": "Closed",
    "Status": "Available",
    "Board Name": "ACME-ONE",
    "Board Memory capacity (not including SoC, processor, or accelerator)": "",
    "Board Memory type": "",
    "Board storage capacity": "",
    "Board storage type": "",
    "SoC Name": "ACME1",
    "SoC Memory capacity (not including processor or accelerator)": "640 KB",
    "SoC Memory type": "RAM",
    "SoC storage capacity": "2 MB",
    "SoC storage type": "flash",
    "Processor(s) Name": "Cortex-M4",
    "Processor(s) Frequencies": "120 MHz",
    "Processor memory type and capacity": "640 KB RAM",
    "Processor storage type and capacity": "2 MB flash",
    "Accelerator": "",
    "Accelerator(s) Frequencies": "",
    "Accelerator memory type and capacity": "",
    "Accelerator storage type and capacity": "",
    "Hardware Notes": "",
    "Inference Framework": "none",
    "Software Libraries": "none",
    "Operating System ": "bare metal",
    "Other Software Stack": "",
    "Software Notes": "",
    "Quantization Method": "int8",
    "Training framework (open division)": "",
    "ML Model Compiler(s)": "none",
    "General Compiler(s)": "gcc",
    "Other Software": "",
    "Training and Quantization Notes": "",
}
RULE = "-" * 57


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def organisation(root: Path) -> Path:
    """What stands beside the results."""
    acme = root / "closed" / "acme"
    write(acme / "systems" / "one.json", json.dumps(SYSTEM, indent=2))
    write(acme / "systems" / "Submission_Checklist.pdf", "%PDF")
    write(acme / "systems" / "Energy-Hookup.pdf", "%PDF")
    write(acme / "code" / "kws" / "one" / "main.c", "int main(void) { return 0; }\n")
    write(acme / "README.md", "# How to reproduce\n")
    return acme / "results" / "one"


def kws_files() -> list[tuple[str, int]]:
    return [(f"tst_{k:06d}_{LABELS[k % 12]}_{k % 12}.bin", k % 12) for k in range(1000)]


def outputs(label: int, *, wrong: bool) -> list[float]:
    return [0.996 if k == (label + wrong) % 12 else 0.0 for k in range(12)]


def clock(seconds: float) -> str:
    total = int(seconds)
    return f"0726.{1 + total // 3600:02d}{total // 60 % 60:02d}{total % 60:02d}"


def mlcommons(root: Path) -> Path:
    """Round v1.4: kws in three modes and sww in performance mode, as the MLCommons runner writes them."""
    results = organisation(root)
    _performance(results / "kws" / "performance")
    _accuracy(results / "kws" / "accuracy")
    _energy(results / "kws" / "energy")
    _streaming(results / "sww" / "performance")
    return root


def _log_head(model: str) -> list[str]:
    return ["Logging initialized. Writing output to sessions/x/log.txt", f"Device model retrieved: {model}"]


def _window(number: int, inferences: int, seconds: float, stamp: str = "", colon: str = "") -> list[str]:
    rate = inferences / seconds
    if stamp:
        head = f"{stamp} ulp-mlperf: "
        return [
            f"{head}Performance results for window {number}:",
            f"{head}  # Inferences : {inferences:>13}",
            f"{head}  Runtime      : {seconds:>10.3f} sec.",
            f"{head}  Throughput   : {rate:>10.3f} inf./sec.",
        ]
    return [
        f"Performance results for window {number}{colon}",
        f"    # Inferences : {inferences}",
        f"    Runtime: {seconds} sec.",
        f"    Throughput: {rate} inf./sec.",
        "    Runtime requirements have been met.",
    ]


def _performance(folder: Path) -> None:
    log, text, entries, now_s = _log_head("kws01"), [], [], 0.0
    rates = []
    for number, (file, label) in enumerate(kws_files()[:5], 1):
        elapsed_us = int(WINDOW_S * 1e6) + 137 * number
        seconds = elapsed_us / 1e6
        rates.append(N / seconds)
        values = outputs(label, wrong=False)
        log += [
            f"{clock(now_s)} ulp-mlperf: Loading file {file} segment 0",
            f"{clock(now_s)} ulp-mlperf: Load complete.",
        ]
        now_s += seconds
        log += [f"Running inference with 1/{N} (warmup/measured) iterations ...", "done"]
        log += [*_window(number, N, seconds, clock(now_s)), f"{clock(now_s)} ulp-mlperf:   m-results    : {values}"]
        text += _window(number, N, seconds)
        infer = {"start_time": 1000, "end_time": 1000 + elapsed_us, "results": values, "elapsed_time": elapsed_us}
        infer |= {"total_inferences": 1, "iterations": N, "warmups": 1, "throughput": N / seconds}
        entries.append({"file": file, "classes": "12", "class": str(label), "infer": infer, "mode": "p"})
    stamp = f"{clock(now_s)} ulp-mlperf:"
    text += [f"{stamp} {RULE}", f"{stamp} Median throughput is {median(rates):>10.3f} inf./sec.", f"{stamp} {RULE}"]
    _three(folder, log, text, entries)


def _accuracy(folder: Path) -> None:
    log, entries = [*_log_head("kws01"), "No loop count specified.  Using full set (1000 test files)"], []
    for number, (file, label) in enumerate(kws_files(), 1):
        values = outputs(label, wrong=number > 905)
        log += [f"{clock(0)} ulp-mlperf: Loading file {file} segment 0", f"{clock(0)} ulp-mlperf: Load complete."]
        log += [
            "Running inference with 0/1 (warmup/measured) iterations ...",
            "done",
            *_window(number, 1, 0.044, clock(0)),
        ]
        log += [f"{clock(0)} ulp-mlperf:   m-results    : {values}"]
        infer = {
            "start_time": 0,
            "end_time": 44000,
            "results": values,
            "elapsed_time": 44000,
            "iterations": 1,
            "warmups": 0,
        }
        entries.append({"file": file, "classes": "12", "class": str(label), "infer": infer, "mode": "a"})
    text = ["0726.010109 ulp-mlperf: Top 1% = 90.5", "0726.010109 ulp-mlperf: AUC = 0.948"]
    _three(folder, log, text, entries)


def _energy(folder: Path) -> None:
    noise = random.Random(7)
    log, text, entries, costs = _log_head("kws01"), ["Power Edition Output"], [], []
    begin, end = 900, 900 + int(WINDOW_S * 1000)
    for trial, (file, label) in enumerate(kws_files()[:5]):
        samples = [round(3.0e-5 + noise.random() * 1e-6, 9) for _ in range(end + 700)]
        energy_j = sum(samples[begin:end])
        costs.append(energy_j / N)
        stamps = [[f"{2 * trial:02d}", begin], [f"{2 * trial + 1:02d}", end]]
        infer = {"results": outputs(label, wrong=False), "total_inferences": 1, "iterations": N, "warmups": 1}
        power = {"samples": samples, "timestamps": stamps, "extracted_power": None, "voltage": 3}
        entries.append({"file": file, "class": str(label), "infer": infer, "power": power, "mode": "e"})
        at = 20 * trial
        log += [f"{clock(at)} ulp-mlperf: Loading file {file} segment 0", f"{clock(at + 2)} ulp-mlperf: Load complete."]
        log += [f"Running inference with 1/{N} (warmup/measured) iterations ...", "done"]
        log += [f"Captured samples:{len(samples)} timestamps:2"]
        text += [f"Energy data for trial {trial}", f"  Elapsed time  : {WINDOW_S}", f"  Inferences    : {N}"]
        text += [
            f"  Power         : {1e3 * energy_j / WINDOW_S:5.4f} mW.",
            f"  Total Energy  : {energy_j * 1e6:.3f} uJ",
        ]
        text += [f"  Energy/Inf    : {energy_j / N * 1e6:.3f} uJ/inf"]
    text += [RULE, f"Median energy cost is {1e6 * median(costs):5.4f} uJ/inf.", RULE]
    _three(folder, log, text, entries)


def _streaming(folder: Path) -> None:
    windows = [[10.0 + 20 * k, 10.6 + 20 * k] for k in range(50)]
    detections = [85, *(85 + round(on * 1000) + 500 for on, _ in windows[:46]), 1_100_000, 1_150_000]
    starts = [0.05 + 0.032 * k for k in range(100)]
    stops = [start + 0.016 for start in starts]
    infer = {"wav_file": "long_wav.wav", "detection_windows": windows, "length_sec": 1200.0, "detections": detections}
    duty = {"duty_cycle": 0.5, "period": 0.032, "start_times_s": starts, "stop_times_s": stops}
    text = ["Accuracy: 46 True positives, 4 False negatives, 2 False positives", "Average duty cycle: 0.5"]
    text += ["Average period: 0.032 s", "Estimated throughput: 62.5 inf./sec."]
    _three(folder, _log_head("sww01"), text, [{"infer": infer, "dutycycle": duty, "activations": [], "mode": "p"}])


def _three(folder: Path, log: list[str], text: list[str], entries: list[dict[str, Any]]) -> None:
    write(folder / "log.txt", "\n".join([*log, *text, ""]))
    write(folder / "results.txt", "\n".join([*text, ""]))
    write(folder / "results.json", json.dumps(entries))


def energyrunner(root: Path) -> Path:
    """Round v1.3: kws, performance and accuracy, as EnergyRunner writes them; the device echoes its commands."""
    results = organisation(root) / "kws"
    head = ["00038.650 session: m-session-start-id[1]", "00039.215 dut: \rm-model-[kws01]"]
    log, text, at_s, us, rates = [*head], [], 40.0, 5_000_000, []
    for number, (file, label) in enumerate(kws_files()[:5], 1):
        values = ",".join(f"{v:.3f}" for v in outputs(label, wrong=False))
        log += _energyrunner_trial(file, N, at_s, us, seconds=WINDOW_S, values=values)
        at_s, us = at_s + 12, us + 12_000_000
        rates.append(N / WINDOW_S)
        text += [f"00095.319 ulp-mlperf: Performance results for window {2 * number}:"]
        text += [
            f"00095.319 ulp-mlperf:   # Inferences : {N:>12}",
            f"00095.319 ulp-mlperf:   Runtime      : {WINDOW_S:>12.3f} sec.",
        ]
        text += [f"00095.319 ulp-mlperf:   Throughput   : {N / WINDOW_S:>12.3f} inf./sec."]
        text += ["00095.319 ulp-mlperf: Runtime requirements have been met."]
    text += [f"00095.350 ulp-mlperf: Median throughput is {median(rates):.3f} inf./sec."]
    _files(results / "performance", log, text)
    log = [*head]
    for number, (file, label) in enumerate(kws_files(), 1):
        values = ",".join(f"{v:.3f}" for v in outputs(label, wrong=number > 905))
        log += _energyrunner_trial(file, 1, 40.0 + number, 0, seconds=0.044, values=values)
    _files(results / "accuracy", log, ["00441.682 ulp-mlperf: Top-1: 90.5%", "00441.702 ulp-mlperf: AUC: 0.95"])
    write(results / "EEMBC_RUNNER", "EnergyRunner\n")
    return root


def ad(root: Path) -> Path:
    """Round v1.3: ad, accuracy as EnergyRunner writes it, one window a file; the exact AUC is a little below 0.85.

    Of 108 anomalies 16 score below every normal file, one above half of them and 91 above all: (91 + 0.5) / 108.
    """
    results = organisation(root) / "ad"
    scores = [(f"normal_id_01_{k:08d}.bin", float(k)) for k in range(140)]
    anomalies = [*[-1.0] * 16, 69.5, *(200.0 + k for k in range(91))]
    scores += [(f"anomaly_id_01_{k:08d}.bin", score) for k, score in enumerate(anomalies)]
    log = ["00038.650 session: m-session-start-id[1]", "00039.215 dut: m-model-[ad01]"]
    for number, (file, score) in enumerate(scores):
        log += _energyrunner_trial(file, 1, 40.0 + number, 0, seconds=0.01, values=f"{score:.3f}")
    _files(results / "accuracy", log, ["00441.682 ulp-mlperf: Top-1: 77.4%", "00441.702 ulp-mlperf: AUC: 0.85"])
    write(results / "EEMBC_RUNNER", "EnergyRunner\n")
    return root


def _energyrunner_trial(file: str, inferences: int, at_s: float, us: int, *, seconds: float, values: str) -> list[str]:
    head, tail = f"{at_s:09.3f} ", f"{at_s + seconds:09.3f} "
    return [
        f'{head}parser: Command "bload dut "C:\\datasets\\kws01\\{file}""',
        f'{head}parser: Command "dut infer {inferences} 1"',
        f"{head}dut: \rinfer {inferences} 1m-warmup-start-1",
        f"{head}dut: m-infer-start-{inferences}",
        f"{head}dut: m-lap-us-{us}",
        f"{tail}dut: m-lap-us-{us + round(seconds * 1e6)}",
        f"{tail}dut: m-infer-done",
        f"{tail}dut: m-results-[{values}]",
    ]


def _files(folder: Path, log: list[str], text: list[str]) -> None:
    write(folder / "log.txt", "\n".join([*log, *text, ""]))
    write(folder / "results.txt", "\n".join([*text, ""]))
    write(folder / "script.async", "[{cmd:'version'}]\n")
