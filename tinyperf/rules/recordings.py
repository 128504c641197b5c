"""Energy recordings on disk: EnergyRunner sessions, MLCommons runner sessions and our own, as one typed value.

Formats: protocol.md 4.1 and 4.2 as found in the published rounds v0.7 to v1.3; our own is `energy.json` beside
`energy-power.f32` (little-endian float32 watts, one per sample).
"""

from __future__ import annotations

import itertools
import json
import math
import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinyperf.errors import ContentError
from tinyperf.rules import joules

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

Format = Literal["energyrunner", "mlcommons", "tinyperf"]

SIDECAR = "energy.json"
POWER = "energy-power.f32"

HINT = "give the folder that holds trace1-energy.bin with log.txt, or results.json with power samples, or energy.json"


@dataclass(frozen=True)
class Printed:
    """One figure that the original tool printed: which, and with how many decimals."""

    what: str
    value: float
    decimals: int


@dataclass(frozen=True)
class Recording:
    """One energy session.

    `samples_j`: [n] joules per sample. `pulses_s`: falling edges, seconds since the first sample. `expected`: what the
    transcript announces. `spans`: the windows as the original tool paired them. `required`: windows the rules ask for.
    `damage`: what is wrong with the recording itself.
    """

    format: Format
    samples_j: npt.NDArray[np.float64]
    sample_rate_hz: float
    pulses_s: tuple[float, ...]
    expected: tuple[joules.Expected, ...]
    spans: tuple[joules.Span, ...]
    printed: tuple[Printed, ...]
    accuracy: float
    edge_s: float
    range_w: joules.RangeW
    required: int = joules.WINDOWS
    damage: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def load(folder: Path) -> Recording:
    """The energy recording in `folder`.

    Raises: ContentError: no recording, or a file of it is missing or damaged; says which.
    """
    if not folder.is_dir():
        raise ContentError(f"{folder} is not a folder", hint=HINT)
    try:
        return _load(folder)
    # What is left once the readers have named what they know: numbers without end, lists in the place of tables.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, OSError) as exc:
        raise ContentError(
            f"a file in {folder} is damaged ({type(exc).__name__}: {exc})", hint="copy the session folder again"
        ) from exc


def _load(folder: Path) -> Recording:
    if (folder / SIDECAR).is_file():
        return _tinyperf(folder)
    if list(folder.glob("*-energy.bin")) or list(folder.glob("*-timestamps.json")):
        return _energyrunner(folder)
    if (folder / "results.json").is_file():
        return _mlcommons(folder)
    what = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
    raise ContentError(f"no raw energy trace in {folder} (it holds {what})", hint=HINT)


# ---------------------------------------------------------------------------------------------------- EnergyRunner


def _energyrunner(folder: Path) -> Recording:
    trace = _only(folder, "*-energy.bin")
    samples_uj, rate_hz, damage = _energy_bin(trace)
    stamps = _stamps(folder / trace.name.replace("-energy.bin", "-timestamps.json"))
    log = _text(_either(folder, "log.txt", "energy_log.txt"))
    expected, duration_s, found = _energyrunner_log(log, folder)
    counts = [e.inferences for e in expected if e.role == "start"]
    spans = tuple(
        joules.Span(stamps[k - 1], stamps[k], counts[min(k // 2, len(counts)) - 1])
        for k in range(2, len(stamps), 2)
        if counts
    )
    damage += found + joules.lost_reasons(len(samples_uj), duration_s * rate_hz)
    if stamps and stamps[-1] * rate_hz > len(samples_uj):
        damage.append(
            f"{trace.name} ends at {len(samples_uj) / rate_hz:.2f} s, the last pulse is at {stamps[-1]:.3f} s"
        )
    printed, notes = _energyrunner_results(folder)
    return Recording(
        "energyrunner",
        samples_uj * 1e-6,
        rate_hz,
        tuple(stamps),
        tuple(expected),
        spans,
        printed,
        joules.LPM01A_ACCURACY,
        1.0 / rate_hz,
        joules.LPM01A_RANGE_W if "-name[lpm01a]" in log else joules.JOULESCOPE_RANGE_W,
        damage=tuple(damage),
        notes=notes,
    )


def _energy_bin(path: Path) -> tuple[npt.NDArray[np.float64], float, list[str]]:
    """0xF1, float32 sample rate, float32 microjoules per sample; all little-endian."""
    raw = path.read_bytes()
    if len(raw) < 9 or raw[0] != 0xF1:
        raise ContentError(
            f"{path} is not an EnergyRunner trace: {len(raw)} bytes, beginning {raw[:5].hex() or 'empty'}",
            means="such a file begins with the byte f1 and the sample rate as a float32",
            hint="copy the session folder again",
        )
    (rate_hz,) = struct.unpack("<f", raw[1:5])
    if not (math.isfinite(rate_hz) and 1.0 <= rate_hz <= 1e6):
        raise ContentError(f"{path}: a sample rate of {rate_hz:g} Hz", hint="copy the session folder again")
    damage = [f"{path.name} ends inside a sample"] if (len(raw) - 5) % 4 else []
    samples = np.frombuffer(raw, dtype="<f4", count=(len(raw) - 5) // 4, offset=5).astype(np.float64)
    return samples, float(rate_hz), damage + _sample_damage(samples, path.name)


def _sample_damage(samples: npt.NDArray[np.float64], name: str) -> list[str]:
    bad = int(np.count_nonzero(~np.isfinite(samples)))
    return [f"{bad} samples of {name} are not numbers"] if bad else []


def _stamps(path: Path) -> list[float]:
    stamps = _json(path)
    if not isinstance(stamps, list) or not all(_is_number(s) and s >= 0 for s in stamps):
        raise ContentError(f"{path} is not a list of seconds", hint="copy the session folder again")
    if stamps != sorted(stamps):
        raise ContentError(f"{path}: the timestamps do not rise", hint="copy the session folder again")
    return [float(s) for s in stamps]


LOG_LINE = re.compile(r"^\s*(\d+\.\d+) (\w+): (.*)$")


def _energyrunner_log(text: str, folder: Path) -> tuple[list[joules.Expected], float, list[str]]:
    """Pulses announced, on the trace's clock (0 at `m-trace[on]`); how long the trace was on; what is missing."""
    expected: list[joules.Expected] = []
    on_s = off_s = None
    for line in text.splitlines():
        match = LOG_LINE.match(line)
        if not match:
            continue
        at_s, source, said = float(match[1]), match[2], match[3]
        if source == "emon" and said == "m-trace[on]":
            on_s = at_s
        elif source == "sequencer" and "-command[emon trace off]" in said:
            off_s = at_s
        elif on_s is not None and off_s is None and source in {"io", "dut"}:
            expected += _announced(said, at_s - on_s, expected)
    if on_s is None:
        raise ContentError(
            f"the log in {folder} has no line m-trace[on]",
            means="it is cut short, or is not the log of an energy session",
            hint="copy the session folder again",
        )
    missing = [] if off_s is not None else ["the log ends before 'emon trace off'"]
    last_s = max((e.at_s for e in expected), default=0.0)
    return expected, (off_s - on_s) if off_s is not None else last_s, missing


def _announced(said: str, at_s: float, before: list[joules.Expected]) -> list[joules.Expected]:
    if said.endswith("m-dut-passthrough(timestamp)"):
        return [joules.Expected("timestamp", at_s)]
    if "m-timestamp-mode-energy" in said:
        return [joules.Expected("boot", at_s)]
    if match := re.search(r"m-infer-start-(\d+)", said):
        return [joules.Expected("start", at_s, int(match[1]))]
    if "m-infer-done" in said:
        return [joules.Expected("stop", at_s, before[-1].inferences if before else 0)]
    return []


RESULT_LINES = (
    (r"Energy data for window (\d+) at time ([\d.]+) for ([\d.]+) sec", ("at time", "for")),
    (r"Energy/Inf\.\s*:\s*([\d.]+) uJ/inf", ("Energy/Inf.",)),
    (r"Energy\s*:\s*([\d.]+) uJ", ("Energy",)),
    (r"Power\s*:\s*([\d.]+) uW", ("Power",)),
    (r"Runtime\s*:\s*([\d.]+) sec", ("Runtime",)),
    (r"Throughput\s*:\s*([\d.]+) inf", ("Throughput",)),
)
MEDIAN_LINES = (
    (r"Median energy cost is\s+([\d.]+) uJ/inf", "median Energy/Inf."),
    (r"Median throughput is\s+([\d.]+) inf", "median Throughput"),
)


def _energyrunner_results(folder: Path) -> tuple[tuple[Printed, ...], tuple[str, ...]]:
    path = _either(folder, "results.txt", "energy_results.txt", required=False)
    if path is None:
        return (), ("no results.txt: nothing printed to compare with",)
    printed: list[Printed] = []
    number = 0
    for line in _text(path).splitlines():
        if match := re.search(r"for window (\d+)", line):
            number = int(match[1])
        for pattern, names in RESULT_LINES:
            if match := re.search(pattern, line):
                values = match.groups()[-len(names) :]
                printed += [_printed(f"window {number} {name}", v) for name, v in zip(names, values, strict=True)]
                break
        printed += [_printed(what, m[1]) for pattern, what in MEDIAN_LINES if (m := re.search(pattern, line))]
    return tuple(printed), () if printed else (f"{path.name} holds no energy figures",)


def _printed(what: str, text: str) -> Printed:
    text = text.rstrip(".")
    return Printed(what, float(text), len(text.partition(".")[2]))


# ------------------------------------------------------------------------------------------------- MLCommons runner

MLCOMMONS_RATE_HZ = 1000.0
"""Fixed in the runner: `print_energy_results(energy_sampling_freq=1000)`, `freq 1k`."""


def _mlcommons(folder: Path) -> Recording:
    path = folder / "results.json"
    batches = _json(path)
    if not isinstance(batches, list) or not batches or not all(isinstance(b, dict) and "power" in b for b in batches):
        raise ContentError(
            f"{path} holds no power samples", means="it is not a session of the runner's energy mode", hint=HINT
        )
    samples: list[npt.NDArray[np.float64]] = []
    pulses: list[float] = []
    expected: list[joules.Expected] = []
    spans: list[joules.Span] = []
    damage: list[str] = []
    counters: list[int] = []
    offset = 0
    for number, batch in enumerate(batches):
        values, events = _batch(batch, path, number)
        counters += [counter for counter, _ in events]
        count = int(batch.get("infer", {}).get("iterations", 0))
        edges = [(offset + index) / MLCOMMONS_RATE_HZ for _, index in events]
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
    log_damage, notes = _mlcommons_log(folder, samples, spans)
    printed, more = _mlcommons_results(folder)
    return Recording(
        "mlcommons",
        everything,
        MLCOMMONS_RATE_HZ,
        tuple(pulses),
        tuple(expected),
        tuple(spans),
        printed,
        joules.LPM01A_ACCURACY,
        1.0 / MLCOMMONS_RATE_HZ,
        joules.JOULESCOPE_RANGE_W,
        required=1 if any("dutycycle" in b for b in batches) else joules.WINDOWS,
        damage=tuple(damage + _sample_damage(everything, path.name) + log_damage),
        notes=notes + more,
    )


def _batch(batch: dict[str, Any], path: Path, number: int) -> tuple[npt.NDArray[np.float64], list[tuple[int, int]]]:
    try:
        values = np.asarray(batch["power"]["samples"], dtype=np.float64).reshape(-1)
        events = [(int(counter), int(index)) for counter, index in batch["power"]["timestamps"]]
        int(batch["infer"]["iterations"])
    except (KeyError, TypeError, ValueError) as exc:
        raise ContentError(f"{path}: entry {number} is damaged: {exc!r}", hint="copy the session folder again") from exc
    if any(not 0 <= index <= len(values) for _, index in events):
        raise ContentError(
            f"{path}: entry {number} has an event outside its {len(values)} samples", hint="copy the session again"
        )
    return values, events


def _mlcommons_log(
    folder: Path, samples: list[npt.NDArray[np.float64]], spans: list[joules.Span]
) -> tuple[list[str], tuple[str, ...]]:
    """What log.txt says against the samples: samples lost, a window longer than the wall clock between two lines."""
    path = folder / "log.txt"
    if not path.is_file():
        return [], ("no log.txt: windows cannot be checked against the host's clock",)
    text = _text(path)
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
    return damage, ()


def _clock_s(text: str) -> int:
    return int(text[:2]) * 3600 + int(text[2:4]) * 60 + int(text[4:])


def _mlcommons_results(folder: Path) -> tuple[tuple[Printed, ...], tuple[str, ...]]:
    path = folder / "results.txt"
    if not path.is_file():
        return (), ("no results.txt: nothing printed to compare with",)
    printed: list[Printed] = []
    number = 0
    patterns = (
        (r"Elapsed time\s*:\s*([\d.]+)", "Runtime"),
        (r"Power\s*:\s*([\d.]+) mW", "Power mW"),
        (r"Total Energy\s*:\s*([\d.]+) uJ", "Energy"),
        (r"Energy/Inf\s*:\s*([\d.]+) uJ/inf", "Energy/Inf."),
    )
    for line in _text(path).splitlines():
        if match := re.search(r"Energy data for trial (\d+)", line):
            number = int(match[1]) + 1
        printed += [_printed(f"window {number} {name}", m[1]) for p, name in patterns if (m := re.search(p, line))]
        if match := re.search(r"Median energy cost is\s+([\d.]+) uJ/inf", line):
            printed.append(_printed("median Energy/Inf.", match[1]))
    return tuple(printed), ()


# ---------------------------------------------------------------------------------------------------------- our own


def _tinyperf(folder: Path) -> Recording:
    path = folder / SIDECAR
    said = _json(path)
    raw = folder / POWER
    if not raw.is_file():
        raise ContentError(f"{raw} is missing", hint="copy the session folder again, with its raw trace")
    try:
        rate_hz = float(said["sample_rate_hz"])
        power_w = np.fromfile(raw, dtype="<f4").astype(np.float64)
        expected = tuple(joules.Expected(e["role"], float(e["at_s"]), int(e["inferences"])) for e in said["expected"])
        pulses = tuple(float(p) for p in said["pulses_s"])
        damage = [str(reason) for reason in said["damage"]]
        accuracy, edge_s, samples = (float(said[k]) for k in ("accuracy", "edge_s", "samples"))
        low_w, high_w = said.get("monitor", {}).get("range_w", (None, None))
        range_w = (None if low_w is None else float(low_w), None if high_w is None else float(high_w))
    except (KeyError, TypeError, ValueError) as exc:
        raise ContentError(f"{path} is damaged: {exc!r}", hint="copy the session folder again") from exc
    times_s = [*pulses, *(e.at_s for e in expected)]
    if not (rate_hz >= 1 and all(map(math.isfinite, (rate_hz, accuracy, edge_s, *times_s)))):
        raise ContentError(f"{path} is damaged: a time or rate is no number", hint="copy the session folder again")
    if len(power_w) != samples or raw.stat().st_size % 4:
        damage.append(f"{raw.name} holds {raw.stat().st_size / 4:g} samples, {samples:.0f} were recorded")
    return Recording(
        "tinyperf",
        power_w / rate_hz,
        rate_hz,
        pulses,
        expected,
        joules.pair(pulses, expected).spans,
        _tinyperf_results(folder),
        accuracy,
        edge_s,
        range_w,
        damage=tuple(damage + _sample_damage(power_w, raw.name)),
        notes=(f"estimated, ±{said['error_percent']:g} %",) if said.get("error_percent") else (),
    )


def _tinyperf_results(folder: Path) -> tuple[Printed, ...]:
    """Figures that `session.json` holds as the run's result."""
    path = folder / "session.json"
    result = _json(path).get("result") if path.is_file() else None
    energy = result.get("energy") if isinstance(result, dict) else None
    if not energy:
        return ()
    try:
        printed = [Printed("median Energy/Inf.", float(energy["uj_per_inference"]), 6)]
        for number, one in enumerate(energy["windows"], 1):
            for name, key in (("Energy/Inf.", "uj_per_inference"), ("Energy", "uj"), ("Runtime", "seconds")):
                printed.append(Printed(f"window {number} {name}", float(one[key]), 6))
    except (KeyError, TypeError, ValueError) as exc:
        raise ContentError(f"{path} is damaged: {exc!r}", hint="copy the session folder again") from exc
    return tuple(printed)


# ------------------------------------------------------------------------------------------------------------ files


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        what = f"{len(found)} files" if found else "no file"
        raise ContentError(f"{what} {pattern} in {folder}, one is expected", hint=HINT)
    return found[0]


def _either(folder: Path, *names: str, required: bool = True) -> Any:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    if required:
        raise ContentError(
            f"{names[0]} is missing in {folder}",
            means="without it nothing says how many inferences a window holds, nor which pulse is which",
            hint="copy the whole session folder",
        )
    return None


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace").replace("\0", "")


def _json(path: Path) -> Any:
    if not path.is_file():
        raise ContentError(f"{path} is missing", hint="copy the whole session folder")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise ContentError(f"{path} is not JSON: {exc}", hint="copy the session folder again") from exc


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
