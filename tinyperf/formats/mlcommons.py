"""The session folders of the MLCommons runner (mlcommons/tiny, benchmark/runner): log.txt, results.txt, results.json.

As 1afd2c9 writes them, read from the published round v1.3. What is written here is read here.
"""

from __future__ import annotations

import itertools
import math
import re
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.errors import ContentError
from tinyperf.formats import files, own
from tinyperf.formats.recorded import MET, RULE, SHORT, Figures, Mode, Printed, Recording, Session, Trial, met
from tinyperf.rules import joules, windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.formats.recorded import About

LOG, RESULTS, ROWS = "log.txt", "results.txt", "results.json"
RATE_HZ = 1000
"""Fixed in the runner: `print_energy_results(energy_sampling_freq=1000)`, `freq 1k`."""
MARGIN_S = 0.1
"""A batch ends when the reply to `infer` has come: about so long after the closing pulse."""
MODES: dict[str, Mode] = {"p": "performance", "a": "accuracy", "e": "energy"}

Row = dict[str, Any]
"""One object of results.json."""


# ------------------------------------------------------------------------------------------------- results.json


def rows(about: About, trials: Sequence[Trial], power: Sequence[Row] = ()) -> list[Row]:
    """The objects of results.json; with `power`, of energy mode, those whose window has both its pulses."""
    found = [_row(about, trial) for trial in trials]
    if not power:
        return found
    both = [one | {"power": entry} for one, entry in zip(found, power, strict=False)]
    return [one for one in both if len(one["power"]["timestamps"]) >= 2]


def _row(about: About, trial: Trial) -> Row:
    """One input, keys and types as the runner writes them: classes and class are text."""
    cut = trial.windows > 1 or about.stride_bytes
    infer: dict[str, Any] = {}
    if trial.start_us is not None:
        infer |= {"start_time": trial.start_us, "end_time": trial.end_us}
    infer["results"] = list(trial.results)
    if trial.start_us is not None:
        infer["elapsed_time"] = trial.device_us
    infer |= {"total_inferences": 1, "iterations": trial.inferences, "warmups": trial.warmups}
    if about.mode == "performance":
        infer["throughput"] = trial.throughput_ips
    return {
        "file": trial.name,
        "classes": str(about.classes),
        "class": str(trial.label),
        "bytes_to_send": str(about.input_bytes) if cut else None,
        "stride": str(about.stride_bytes) if cut else None,
        "total_length": trial.windows if cut else None,
        "infer": infer,
        "mode": about.mode[0],
    }


def read_rows(path: Path) -> list[Row]:
    """The objects of results.json.

    Raises: ContentError: no list of such objects; says which entry is damaged.
    """
    held = files.parsed(path)
    if not isinstance(held, list) or not held:
        raise ContentError(
            f"{path} is no list of results", means="it is not of the MLCommons runner, or is empty", hint=files.AGAIN
        )
    for number, one in enumerate(held):
        if not isinstance(one, dict) or not isinstance(one.get("infer"), dict):
            raise ContentError(f"{path}: entry {number} has no 'infer'", hint=files.AGAIN)
    return held


def trials_of(held: Sequence[Row], path: Path) -> tuple[Trial, ...]:
    """The inputs of results.json in order; the windows of a file count up.

    Raises: ContentError: an entry lacks a value, or holds one of another kind; says which.
    """
    seen: dict[str, int] = {}
    places: dict[str, int] = {}
    found = []
    for number, one in enumerate(held):
        try:
            infer, name = one["infer"], str(one["file"])
            times = [None if infer.get(k) is None else int(infer[k]) for k in ("start_time", "end_time")]
            label, length = one.get("class"), one.get("total_length")
            found.append(
                Trial(
                    index=places.setdefault(name, len(places)),
                    window=seen.get(name, 0),
                    name=name,
                    inferences=int(infer["iterations"]),
                    warmups=int(infer["warmups"]),
                    results=tuple(float(v) for v in infer["results"]),
                    start_us=times[0],
                    end_us=times[1],
                    begin_s=math.nan,
                    end_s=math.nan,
                    at_s=math.nan,
                    label=None if label in {None, "None"} else int(label),
                    windows=1 if length is None else int(length),
                )
            )
        except (KeyError, TypeError, ValueError, OverflowError) as exc:
            raise ContentError(f"{path}: entry {number} is damaged: {exc!r}", hint=files.AGAIN) from exc
        seen[name] = seen.get(name, 0) + 1
    return tuple(found)


# -------------------------------------------------------------------------------------------------- results.txt

RESULT_LINES = (
    (r"Elapsed time\s*:\s*([\d.]+)", "Runtime"),
    (r"Power\s*:\s*([\d.]+) mW", "Power mW"),
    (r"Total Energy\s*:\s*([\d.]+) uJ", "Energy"),
    (r"Energy/Inf\s*:\s*([\d.]+) uJ/inf", "Energy/Inf."),
    (r"^\s*Inferences\s*:\s*(\d+)", "Inferences"),
    (r"# Inferences\s*:\s*(\d+)", "Inferences"),
    (r"Runtime:\s*([\d.]+) sec", "Runtime"),
    (r"Throughput:\s*([\d.]+) inf", "Throughput"),
)
WHOLE_LINES = (
    (r"Median energy cost is\s+([\d.]+) uJ/inf", "median Energy/Inf."),
    (r"Median throughput is\s+([\d.]+) inf", "median Throughput"),
    (r"Top 1% = +([\d.]+)", "Top-1 %"),
    (r"AUC = +([\d.]+)", "AUC"),
)


def read_results(path: Path) -> tuple[Printed, ...]:
    """Every figure that `path` prints, `window 1 Runtime` and the like.

    Raises: ContentError: a figure is no number; says in which line.
    """
    printed: list[Printed] = []
    number = 0
    for at, line in enumerate(files.text(path).splitlines(), 1):
        if match := re.search(r"Energy data for trial (\d+)", line):
            number = int(match[1]) + 1
        elif match := re.search(r"Performance results for window (\d+)", line):
            number = int(match[1])
        where = f"{path}:{at}"
        printed += [
            files.printed(f"window {number} {name}", m[1], where)
            for p, name in RESULT_LINES
            if (m := re.search(p, line))
        ]
        printed += [files.printed(name, m[1], where) for p, name in WHOLE_LINES if (m := re.search(p, line))]
    return tuple(printed)


def results_txt(about: About, held: Sequence[Row], figures: Figures, at_s: float) -> str:
    """`results.txt`: a paragraph for each window and the median, or top-1 and AUC; `at_s`: when, on the host's clock.

    Energy is summed from the samples in `held`, by the runner's own rule.
    """
    stamp = f"{about.stamp(at_s)} ulp-mlperf: "
    reasons = [f"not valid: {reason}" for reason in figures.reasons]
    if any("power" in one for one in held):
        return "\n".join([*energy_lines(held, figures.note), *reasons]) + "\n"
    lines = _window_lines(held) if about.mode == "performance" else []
    lines += [stamp + text for text in [*_headline(figures), *reasons]]
    return "\n".join(lines) + "\n"


def _window_lines(held: Sequence[Row]) -> list[str]:
    lines = []
    for k, one in enumerate(held, start=1):
        infer = one["infer"]
        seconds = infer.get("elapsed_time", 0) / 1e6
        lines += [
            f"Performance results for window {k}",
            f"    # Inferences : {infer['iterations']}",
            f"    Runtime: {seconds} sec.",
            f"    Throughput: {infer['throughput']} inf./sec.",
            f"    {MET if met(seconds, infer['iterations']) else f'e-[{SHORT}]'}",
        ]
    return lines


def _headline(figures: Figures) -> list[str]:
    """The lines that the submission checker looks for, remarks in the same line."""
    if figures.throughput_ips is not None:
        return [RULE, f"Median throughput is {figures.throughput_ips:>10.3f} inf./sec.{figures.note}", RULE]
    lines = []
    if figures.top1 is not None:
        lines.append(f"Top 1% = {100 * figures.top1:2.1f}{figures.note}")
    if figures.auc is not None:
        lines.append(f"AUC = {figures.auc:.3f}{figures.note}")
    if figures.uj is not None:
        lines += [RULE, f"Median energy cost is {figures.uj:.3f} uJ/inf.{figures.note}", RULE]
    return lines or ["Nothing was measured."]


def energy_lines(held: Sequence[Row], note: str) -> list[str]:
    """The paragraph of each object with `power`, and the median. Args: note: what must stand beside it, or nothing."""
    lines = ["Power Edition Output"]
    each = []
    for number, one in enumerate(held):
        begin, end = (int(index) for _, index in one["power"]["timestamps"][-2:])
        elapsed_s = end / RATE_HZ - begin / RATE_HZ
        energy_j = joules.indexed_j(np.array(one["power"]["samples"]), begin, end)
        each.append(energy_j / one["infer"]["iterations"])
        short = "" if elapsed_s >= windows.MIN_SECONDS else "  <<<< below minimum duration"
        lines += [
            f"Energy data for trial {number}",
            f"  Elapsed time  : {elapsed_s}{short}",
            f"  Inferences    : {one['infer']['iterations']}",
            f"  Power         : {1e3 * energy_j / elapsed_s:5.4f} mW.",
            f"  Total Energy  : {energy_j * 1e6:.3f} uJ",
            f"  Energy/Inf    : {each[-1] * 1e6:.3f} uJ/inf",
        ]
    return [*lines, RULE, f"Median energy cost is {1e6 * (median(each) if each else 0.0):5.4f} uJ/inf.{note}", RULE]


# ------------------------------------------------------------------------------------------------------ log.txt


def log_lines(about: About, trials: Sequence[Trial], notes: Sequence[str], results: str) -> Iterator[str]:
    """`log.txt`, line by line. Args: results: the text of `results.txt`, which the log repeats."""
    yield f"Logging initialized. Writing output to {about.where}/{LOG}"
    yield about.made_by
    yield f"Device name retrieved: {about.vendor}"
    yield f"Device profile retrieved: {about.profile}"
    yield f"Device model retrieved: {about.model}"
    for k, trial in enumerate(trials, start=1):
        stamp = f"{about.stamp(trial.at_s)} ulp-mlperf:"
        loaded = f"{about.stamp(trial.begin_s if math.isfinite(trial.begin_s) else trial.at_s)} ulp-mlperf:"
        yield f"{loaded} Loading file {trial.name} segment {trial.window}"
        yield f"{loaded} Load complete."
        yield f"Running inference with {trial.warmups}/{trial.inferences} (warmup/measured) iterations ..."
        yield "done"
        if trial.device_us:
            yield f"{stamp} Performance results for window {k}:"
            yield f"{stamp}   # Inferences : {trial.inferences:>13}"
            yield f"{stamp}   Runtime      : {trial.device_us / 1e6:>10.3f} sec."
            yield f"{stamp}   Throughput   : {trial.throughput_ips:>10.3f} inf./sec."
        yield f"{stamp}   m-results    : {list(trial.results)}"
    for note in notes:
        yield f"note: {note}"
    yield "-" * 20
    yield from map(str.strip, results.splitlines())  # the runner strips what it logs
    yield f"Session logged in file {about.where}/{LOG}"


def is_log(path: Path) -> bool:
    """Whether a log.txt is of this tool."""
    return files.text(path).startswith("Logging initialized.")


def log_damage(path: Path, trials: Sequence[Trial]) -> list[str]:
    """What `path` says of the inputs that results.json does not."""
    text = files.text(path)
    loads = re.findall(r"Loading file (.*) segment \d+", text)
    names = [t.name for t in trials]
    damage = []
    if loads and loads != names:
        at = next(
            (k for k, (a, b) in enumerate(zip(loads, names, strict=False)) if a != b), min(len(loads), len(names))
        )
        damage.append(
            f"{path.name} loads {len(loads)} inputs, {ROWS} holds {len(names)}; they differ from number {at + 1} on"
        )
    shown = re.findall(r"m-results\s+: \[(.*)\]", text)
    if len(shown) == len(trials):
        wrong = [k for k, (s, t) in enumerate(zip(shown, trials, strict=True), 1) if not _same(s, t.results)]
        if wrong:
            damage.append(
                f"{len(wrong)} results in {ROWS} are not those of {path.name}, the first is number {wrong[0]}"
            )
    return damage


def _same(shown: str, results: Sequence[float]) -> bool:
    try:
        return [float(v) for v in shown.split(",") if v.strip()] == list(results)
    except ValueError:
        return False


# ------------------------------------------------------------------------------------------------------ sessions


def read_trials(folder: Path) -> Session:
    """The performance or accuracy session in `folder`.

    Raises: ContentError: no results.json, or a damaged one.
    """
    path = folder / ROWS
    held = read_rows(path)
    if "wav_file" in held[0]["infer"]:
        raise ContentError(
            f"{path} is of the streaming wakeword, which is not computed again yet",
            hint="'tinyperf submission check' does that, and 'tinyperf replay' its energy",
        )
    trials = trials_of(held, path)
    letter = str(held[0].get("mode", "?"))
    if letter not in MODES:
        raise ContentError(f"{path}: entry 0 has mode '{letter}', known are {', '.join(MODES)}", hint=files.AGAIN)
    results, log = files.either(folder, RESULTS), files.either(folder, LOG)
    notes = [f"no {name}" for name, there in ((RESULTS, results), (LOG, log)) if there is None]
    model = re.search(r"Device model retrieved: (\S+)", files.text(log)) if log else None
    return Session(
        "mlcommons",
        MODES[letter],
        model[1] if model else "",
        trials,
        read_results(results) if results else (),
        damage=tuple(log_damage(log, trials) if log else ()),
        notes=tuple(notes),
    )


def read_energy(folder: Path) -> Recording:
    """The energy session in `folder`.

    Raises: ContentError: no power samples, or a damaged file; says which entry.
    """
    path = folder / ROWS
    batches = read_rows(path)
    if not all("power" in b for b in batches):
        raise ContentError(
            f"{path} holds no power samples",
            means="it is not a session of the runner's energy mode",
            hint="give the folder of an energy session",
        )
    samples: list[npt.NDArray[np.float64]] = []
    pulses: list[float] = []
    expected: list[joules.Expected] = []
    spans: list[joules.Span] = []
    damage: list[str] = []
    counters: list[int] = []
    offset = 0
    for number, batch in enumerate(batches):
        values, events, count = _batch(batch, path, number)
        counters += [counter for counter, _ in events]
        edges = [(offset + index) / RATE_HZ for _, index in events]
        roles: list[joules.Role] = ["start", "stop"]
        if len(edges) < 2:
            damage.append(f"no pulse for the start or stop of window {number + 1}: {len(edges)} pulses came")
        else:
            expected += [joules.Expected(r, e, count) for r, e in zip(roles, edges[-2:], strict=True)]
            expected += [joules.Expected("boot", e) for e in edges[:-2]]
            spans.append(joules.Span(edges[-2], edges[-1], count))
            if number and len(edges) > 2:
                damage.append(f"{len(edges) - 2} pulses before window {number + 1} belong to no command")
        pulses += edges
        samples.append(values)
        offset += len(values)
    if any(b - a != 1 for a, b in itertools.pairwise(counters)):
        damage.append(f"the instrument's event counter is not consecutive: {counters}")
    everything = np.concatenate(samples)
    log, results = files.either(folder, LOG), files.either(folder, RESULTS)
    notes = [] if log else ["no log.txt: windows cannot be checked against the host's clock"]
    notes += [] if results else ["no results.txt: nothing printed to compare with"]
    return Recording(
        "mlcommons",
        everything,
        float(RATE_HZ),
        tuple(pulses),
        tuple(expected),
        tuple(spans),
        read_results(results) if results else (),
        joules.LPM01A_ACCURACY,
        1.0 / RATE_HZ,
        joules.JOULESCOPE_RANGE_W,
        required=1 if any("dutycycle" in b for b in batches) else windows.WINDOWS,
        damage=tuple(
            damage + own.not_numbers(everything, path.name) + (_clock_damage(log, samples, spans) if log else [])
        ),
        notes=tuple(notes),
    )


def _batch(batch: Row, path: Path, number: int) -> tuple[npt.NDArray[np.float64], list[tuple[int, int]], int]:
    """Joules [n]; (counter, place among them) of each pulse; inferences."""
    try:
        values = np.asarray(batch["power"]["samples"], dtype=np.float64).reshape(-1)
        events = [(int(counter), int(index)) for counter, index in batch["power"]["timestamps"]]
        count = int(batch["infer"]["iterations"])
    except (KeyError, TypeError, ValueError, OverflowError) as exc:
        raise ContentError(f"{path}: entry {number} is damaged: {exc!r}", hint=files.AGAIN) from exc
    if any(not 0 <= index <= len(values) for _, index in events):
        raise ContentError(f"{path}: entry {number} has an event outside its {len(values)} samples", hint=files.AGAIN)
    return values, events, count


def _clock_damage(path: Path, samples: list[npt.NDArray[np.float64]], spans: list[joules.Span]) -> list[str]:
    """What log.txt says against the samples: samples lost, a window longer than the wall clock between two lines."""
    text = files.text(path)
    damage = []
    lost = sum(int(m[1]) - int(m[2]) for m in re.finditer(r"expected (\d+), but we have (\d+)", text))
    damage += joules.lost_reasons(sum(map(len, samples)), sum(map(len, samples)) + lost)
    said = [int(m[1]) for m in re.finditer(r"samples:(\d+) timestamps:\d+", text)]
    if said and said != [len(s) for s in samples]:
        damage.append(f"log.txt says {said} samples were captured, results.json holds {[len(s) for s in samples]}")
    loaded = re.findall(r"^\d{4}\.(\d{6}) .*Load complete", text, re.MULTILINE)
    loading = re.findall(r"^\d{4}\.(\d{6}) .*Loading file", text, re.MULTILINE)
    if len(loaded) == len(spans) and len(loading) == len(loaded):
        for number, (span, begin, end) in enumerate(zip(spans, loaded, loading[1:], strict=False), 1):
            wall_s = (_clock_s(end) - _clock_s(begin)) % 86400 + 1.0
            if span.end_s - span.begin_s > wall_s * (1.0 + joules.CLOCKS_RELATIVE):
                damage.append(
                    f"window {number} lasts {span.end_s - span.begin_s:.3f} s by the instrument, "
                    f"at most {wall_s:.0f} s by the log"
                )
    return damage


def _clock_s(text: str) -> int:
    return int(text[:2]) * 3600 + int(text[2:4]) * 60 + int(text[4:])


def power(recording: Recording, supply_mv: int) -> list[dict[str, Any]]:
    """The `power` entries of results.json, one for each window; samples of a batch follow those of the last."""
    samples_j = joules.resampled_j(recording.samples_j, recording.sample_rate_hz, RATE_HZ)
    ends = [min(round((s.end_s + MARGIN_S) * RATE_HZ), len(samples_j)) for s in recording.spans]
    pulses = [round(p * RATE_HZ) for p in sorted(recording.pulses_s)]
    found = []
    begin = number = 0
    for end in ends:
        inside = [p for p in pulses if begin <= p < end]
        found.append(
            {
                # four digits, as the instrument sends them
                "samples": [float(f"{j:.4g}") for j in samples_j[begin:end]],
                "timestamps": [[f"{number + k:02d}", p - begin] for k, p in enumerate(inside)],
                "extracted_power": None,
                "voltage": supply_mv * 1e-3,
            }
        )
        begin, number = end, number + len(inside)
    return found
