"""EnergyRunner's session folders: log.txt, results.txt, script.async, trace1-energy.bin and trace1-timestamps.json.

As 3.0.10 writes them, read from the published rounds v0.7 to v1.3. What is written here is read here.
"""

from __future__ import annotations

import json
import math
import re
import struct
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.device.happenings import Asked, Input, Remark, Said, TranscriptReader, sample_note
from tinyperf.errors import ContentError
from tinyperf.formats import files, own
from tinyperf.formats.recorded import MET, RULE, SHORT, Figures, Mode, Printed, Recording, met
from tinyperf.rules import joules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.device.happenings import Happening, Record
    from tinyperf.formats.recorded import About, Trial
    from tinyperf.result import EnergyWindow

LOGS = ("log.txt", "energy_log.txt")
RESULTS = ("results.txt", "energy_results.txt")
TRACE, STAMPS = "trace1-energy.bin", "trace1-timestamps.json"
MANY = 1000  # samples: of fewer, nothing is said by the pattern of their zeros
RATE_HZ = 1000
LOG_LINE = re.compile(r"^\s*(\d+\.\d+) (\w+): (.*)$")
LOAD = re.compile(r'Command "bloadp? (?:dut )?"(?:[^"]*[\\/])?([^"\\/]+)"(?: (\d+) (\d+))?"')
INFER = re.compile(r'Command "(?:io )?dut (infer \d+ \d+)"')
RESULT_LINES = (
    (r"Energy data for window (\d+) at time ([\d.]+) for ([\d.]+) sec", ("at time", "for")),
    (r"Energy/Inf\.\s*:\s*([\d.]+) uJ/inf", ("Energy/Inf.",)),
    (r"Energy\s*:\s*([\d.]+) uJ", ("Energy",)),
    (r"Power\s*:\s*([\d.]+) uW", ("Power",)),
    (r"# Inferences\s*:\s*(\d+)", ("Inferences",)),
    (r"Runtime\s*:\s*([\d.]+) sec", ("Runtime",)),
    (r"Throughput\s*:\s*([\d.]+) inf", ("Throughput",)),
    (r"Median energy cost is\s+([\d.]+) uJ/inf", ("median Energy/Inf.",)),
    (r"Median throughput is\s+([\d.]+) inf", ("median Throughput",)),
    (r"Top-1:\s*([\d.]+)%", ("Top-1 %",)),
    (r"AUC:\s*([\d.]+)", ("AUC",)),
)
WHOLE = {"median Energy/Inf.", "median Throughput", "Top-1 %", "AUC"}


# ------------------------------------------------------------------------------------------------------ log.txt


@dataclass(frozen=True)
class Log:
    """A session's log. `records`: as a transcript has them, downloads left out; `damage`: what it lacks."""

    mode: Mode
    model: str
    records: tuple[Record, ...]
    damage: tuple[str, ...] = ()


def read_log(path: Path) -> Log:
    """The conversation in `path`.

    Raises: ContentError: no log of this tool.
    """
    return log_of(files.text(path), str(path))


def log_of(text: str, path: str) -> Log:
    """The conversation in the text of a log; `path`: what it is called in messages."""
    lines = [(float(m[1]), m[2], m[3]) for line in text.splitlines() if (m := LOG_LINE.match(line))]
    settings = {m[1]: m[2] for _, _, said in lines if (m := re.search(r"-key\[(\w+)\]-val\[(.*)\]$", said))}
    code = next((m[1] for _, _, said in lines if (m := re.search(r"m-bmark-run-name\[.*\]-code\[(.*)\]", said))), None)
    if code is None:
        raise ContentError(
            f"{path} names no benchmark in its {len(lines)} lines",
            means="it is cut short at its beginning, or is no log of EnergyRunner",
            hint=files.AGAIN,
        )
    mode: Mode = "performance"
    if code == "ulp-ml":
        mode = "energy"
    elif settings.get("runMode") in {"multi", "accuracy"}:  # the latter by tinyperf 0.1
        mode = "accuracy"
    ends = any(source == "session" and said.startswith("m-session-stop-id") for _, source, said in lines[-3:])
    model = next((m[1] for _, _, said in lines if (m := re.search(r"m-model-\[(.*)\]", said))), settings.get("model"))
    return Log(mode, model or "", tuple(_records(lines)), () if ends else (f"{path} has no end of session",))


def _records(lines: Iterable[tuple[float, str, str]]) -> Iterator[Record]:
    """What was sent, what the device said, and which window of which input was loaded, both counted as they come."""
    places: dict[str, dict[str, int]] = {}
    numbers: dict[str, int] = {}
    for at_s, source, said in lines:
        if source == "parser" and (load := LOAD.match(said)):
            offsets, index = places.setdefault(load[1], {}), numbers.setdefault(load[1], len(numbers))
            window = offsets.setdefault(load[2] or "0", len(offsets))
            yield "note", sample_note(index, window, load[1]).encode(), at_s
        elif source == "parser" and (infer := INFER.match(said)):
            yield "host", f"{infer[1]}%".encode(), at_s
        elif source == "dut" or (source == "io" and said.startswith("[dut]: ")):
            yield "device", said.removeprefix("[dut]: ").encode() + b"\r\n", at_s


def log_lines(about: About, records: Iterable[Record]) -> Iterator[str]:
    """`log.txt` from the records of a transcript; downloads are muted, as EnergyRunner mutes them."""
    at = _seconds(0.0)
    yield f"{at} session: m-session-start-id[{about.id}]"
    title = "Energy" if about.mode == "energy" else "Performance"
    yield f"{at} parser: m-bmark-run-name[ML {title} 1.0.1]-code[{_code(about)}]"
    for key, value in (
        ("iterWarmup", about.warmups),
        ("iterInfer", about.inferences),
        ("runMode", "multi" if about.mode == "accuracy" else "bmark"),
        ("model", about.model),
    ):
        yield f"{at} parser: m-bm-cfg-name[{_code(about)}]-key[{key}]-val[{value}]"
    log = _Lines(about)
    reader = TranscriptReader(pulses=about.mode == "energy")
    for record in records:
        at = _seconds(record[2])
        for happening in reader.feed(*record):
            yield from log.of(happening)
    yield f"{at} sequencer: m-sequencer-stop"
    yield f"{at} session: m-session-stop-id[{about.id}]"


@dataclass
class _Lines:
    """What EnergyRunner's log says, one happening after the other."""

    about: About
    muted: bool = False
    inputs: int = 0

    def of(self, happening: Happening) -> Iterator[str]:
        """The lines of one."""
        at = _seconds(happening.at_s)
        if isinstance(happening, Input):
            self.inputs += 1
            command = _bload(self.about, happening.name, happening.window)
            yield f"{at} sequencer: m-sequencing-i[{self.inputs}]-command[{command}]-ack[/parser: m-ready/]"
            yield f'{at} parser: Command "{command}"'
            yield f"{at} parser: m-mute-target[dut]"
        elif isinstance(happening, Remark):
            spoken = happening.text.startswith(("emon:", "io:", "sequencer:"))  # energy mode: by or to the instrument
            yield f"{at} {happening.text}" if spoken else f"{at} parser: {happening.text}"
        elif isinstance(happening, Asked):
            was, self.muted = self.muted, happening.command.startswith("db ")
            if was and not self.muted:
                yield f"{at} parser: m-unmute-target[dut]"
                yield f"{at} parser: m-bload-done"
            if not self.muted:
                yield f'{at} parser: Command "dut {happening.command}"'
        elif isinstance(happening, Said) and not self.muted:
            yield f"{at} dut: {happening.line.decode('ascii', 'replace')}"


def script(about: About, trials: Iterable[Trial]) -> str:
    """`script.async`: the commands of the run as EnergyRunner's own script lists them."""
    entries = ["    {\n        cmd: 'dut profile'\n    }", "    {\n        cmd: 'dut timestamp'\n    }"]
    for trial in trials:
        entries.append(f"    {{\n        cmd: '{_bload(about, trial.name, trial.window)}'\n    }}")
        infer = f"dut infer {trial.inferences} {trial.warmups}"
        entries.append(f"    {{\n        cmd: '{infer}',\n        ms: -1,\n        ack: /dut.?: m-ready/\n    }}")
    return "[\n" + ",\n".join(entries) + "\n]\n"


def script_commands(text: str) -> list[str]:
    """The commands of a `script.async`, in order."""
    return re.findall(r"^\s*cmd: '(.*)',?$", text, re.MULTILINE)


def _bload(about: About, name: str, window: int) -> str:
    at = f" {window * about.stride_bytes} {about.input_bytes}" if about.stride_bytes else ""
    return f'bload dut "{name}"{at}'


def _code(about: About) -> str:
    return "ulp-ml" if about.mode == "energy" else "ulp-mlperf"


def _seconds(at_s: float) -> str:
    return f"{at_s:09.3f}"


# ------------------------------------------------------------------------------------------------- y_labels.csv


def read_labels(path: Path) -> dict[str, int]:
    """Class of each input by its file's name, from lines of `name, classes, label, ...`.

    Raises: ContentError: not there, or a line is not of that form; says which.
    """
    if not path.is_file():
        raise ContentError(f"{path} is not there", hint="give the y_labels.csv that the session's inputs came with")
    found = {}
    for at, line in enumerate(files.text(path).lstrip("\ufeff").splitlines(), 1):
        cells = [cell.strip() for cell in line.split(",")]
        if cells == [""]:
            continue
        if len(cells) < 3 or not cells[2].isdecimal():
            raise ContentError(
                f"{path}:{at}: '{line}' is no 'name, classes, label'", hint="see EnergyRunner's datasets"
            )
        found[cells[0]] = int(cells[2])
    return found


# -------------------------------------------------------------------------------------------------- results.txt


def read_results(path: Path) -> tuple[Printed, ...]:
    """Every figure that `path` prints, `window 2 Runtime` and the like.

    Raises: ContentError: a figure is no number; says in which line.
    """
    printed: list[Printed] = []
    number = 0
    for at, line in enumerate(files.text(path).splitlines(), 1):
        if match := re.search(r"for window (\d+)", line):
            number = int(match[1])
        for pattern, names in RESULT_LINES:
            if match := re.search(pattern, line):
                printed += [
                    files.printed(name if name in WHOLE else f"window {number} {name}", shown, f"{path}:{at}")
                    for name, shown in zip(names, match.groups()[-len(names) :], strict=True)
                ]
                break
    return tuple(printed)


def results_txt(
    about: About, trials: Sequence[Trial], figures: Figures, energy: Sequence[tuple[EnergyWindow, float]] = ()
) -> str:
    """`results.txt`; windows are numbered 2, 4, 6, ... because a timestamp stands before the first.

    Args: energy: each window and its mean power in watts.
    """
    lines = []
    for k, (window, power_w) in enumerate(energy):
        lines += [
            f"Energy data for window {2 * k + 2} at time {window.start_s:.2f} for {window.seconds:.2f} sec.:",
            f"  Energy       : {window.uj:>13.3f} uJ",
            f"  Power        : {power_w * 1e6:>13.3f} uW",
            f"  Energy/Inf.  : {window.uj_per_inference:>13.3f} uJ/inf.",
        ]
    if energy:
        uj = median(window.uj_per_inference for window, _ in energy)
        lines += [RULE, f"Median energy cost is {uj:.3f} uJ/inf.{figures.note}", RULE]
    if about.mode == "accuracy":
        lines += _accuracy_lines(figures)
    else:
        rates = []
        for k, trial in enumerate(trials):
            seconds = energy[k][0].seconds if k < len(energy) else (trial.device_us or 0) / 1e6
            rates.append(trial.inferences / seconds if seconds else 0.0)
            lines += [
                f"Performance results for window {2 * k + 2}:",
                f"  # Inferences : {trial.inferences:>12}",
                f"  Runtime      : {seconds:>12.3f} sec.",
                f"  Throughput   : {rates[-1]:>12.3f} inf./sec.",
                MET if met(seconds, trial.inferences) else f"e-[{SHORT}]",
            ]
        throughput = median(rates[: len(energy)]) if energy else figures.throughput_ips
        if throughput is None:
            lines.append("Nothing was measured.")
        else:
            lines += [RULE, f"Median throughput is {throughput:.3f} inf./sec.{figures.note}", RULE]
        lines.append("Cannot compute accuracy metrics in single-run mode.")
    at = _seconds(trials[-1].at_s if trials else 0.0)
    return "\n".join(f"{at} {_code(about)}: {line}" for line in lines) + "\n"


def _accuracy_lines(figures: Figures) -> list[str]:
    lines = []
    if figures.top1 is not None:
        lines.append(f"Top-1: {100 * figures.top1:.1f}%{figures.note}")
    if figures.eembc_auc is not None:
        lines.append(f"AUC: {figures.eembc_auc:.3f}{figures.note}")
    return lines or ["Nothing was measured."]


# ------------------------------------------------------------------------------------------------- energy traces


def has_trace(folder: Path) -> bool:
    """Whether something of an energy trace is there."""
    return bool(list(folder.glob("*-energy.bin")) or list(folder.glob("*-timestamps.json")))


def read_energy(folder: Path) -> Recording:
    """The energy session in `folder`.

    Raises: ContentError: a file is missing or damaged; says which, and where.
    """
    trace = files.only(folder, "*-energy.bin")
    samples_uj, rate_hz, damage = read_trace(trace)
    stamps = read_stamps(folder / trace.name.replace("-energy.bin", "-timestamps.json"))
    log = files.either(folder, *LOGS)
    if log is None:
        raise ContentError(
            f"{LOGS[0]} is missing in {folder}",
            means="without it nothing says how many inferences a window holds, nor which pulse is which",
            hint="copy the whole session folder",
        )
    said = files.text(log)
    expected, duration_s, found = _announcements(said, log)
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
    results = files.either(folder, *RESULTS)
    printed = read_results(results) if results else ()
    absent = "no results.txt: nothing printed to compare with" if results is None else f"{results.name} has no figures"
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
        joules.LPM01A_RANGE_W if "-name[lpm01a]" in said else joules.JOULESCOPE_RANGE_W,
        damage=tuple(damage),
        notes=() if printed else (absent,),
    )


def read_trace(path: Path) -> tuple[npt.NDArray[np.float64], float, list[str]]:
    """0xF1, float32 sample rate, float32 microjoules per sample; all little-endian.

    Returns: microjoules [n]; samples per second; what is wrong with them.
    Raises:  ContentError: no such file.
    """
    raw = path.read_bytes()
    if len(raw) < 9 or raw[0] != 0xF1:
        raise ContentError(
            f"{path} is not an EnergyRunner trace: {len(raw)} bytes, beginning {raw[:5].hex() or 'empty'}",
            means="such a file begins with the byte f1 and the sample rate as a float32",
            hint=files.AGAIN,
        )
    (rate_hz,) = struct.unpack("<f", raw[1:5])
    if not (math.isfinite(rate_hz) and 1.0 <= rate_hz <= 1e6):
        raise ContentError(f"{path}: a sample rate of {rate_hz:g} Hz", hint=files.AGAIN)
    damage = [f"{path.name} ends inside a sample"] if (len(raw) - 5) % 4 else []
    samples = np.frombuffer(raw, dtype="<f4", count=(len(raw) - 5) // 4, offset=5).astype(np.float64)
    return samples, float(rate_hz), damage + own.not_numbers(samples, path.name) + _woven(samples, path.name)


def _woven(samples: npt.NDArray[np.float64], name: str) -> list[str]:
    """A reason where many a single zero stands between samples of a board that is on.

    EnergyRunner before 3.1.0 wrote the voltages of idle channels of a Keysight N6705 among them: time is stretched by
    4/3 or 2, energy too low (eembc/energyrunner issue 24). Every 4th sample is then such a zero, or every 2nd.
    """
    on = samples > 0
    alone = int(np.count_nonzero(on[:-2] & (samples[1:-1] == 0) & on[2:]))
    if len(samples) < MANY or alone < len(samples) / 10:
        return []
    return [
        f"{alone} of {len(samples)} samples of {name} are a zero between two that are none: another channel's values"
    ]


def read_stamps(path: Path) -> list[float]:
    """Seconds since the first sample, of each pulse.

    Raises: ContentError: no rising list of numbers.
    """
    stamps = files.parsed(path)
    if not isinstance(stamps, list) or not all(files.is_number(s) and s >= 0 for s in stamps):
        raise ContentError(f"{path} is not a list of seconds", hint=files.AGAIN)
    if stamps != sorted(stamps):
        raise ContentError(f"{path}: the timestamps do not rise", hint=files.AGAIN)
    return [float(s) for s in stamps]


def _announcements(text: str, path: Path) -> tuple[list[joules.Expected], float, list[str]]:
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
            f"{path} has no line m-trace[on]",
            means="it is cut short, or is not the log of an energy session",
            hint=files.AGAIN,
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


def write_trace(folder: Path, recording: Recording) -> None:
    """`trace1-energy.bin` at 1 kHz and `trace1-timestamps.json`.

    Energy is kept exactly: each millisecond gets what was drawn in it. Edges are rounded to a millisecond, as the
    tool's own are, so its figures differ from ours by up to two samples of a window.
    """
    folder.mkdir(parents=True, exist_ok=True)
    samples_uj = (joules.resampled_j(recording.samples_j, recording.sample_rate_hz, RATE_HZ) * 1e6).astype("<f4")
    (folder / TRACE).write_bytes(struct.pack("<Bf", 0xF1, RATE_HZ) + samples_uj.tobytes())
    stamps = [round(p, 3) for p in sorted(recording.pulses_s)]
    (folder / STAMPS).write_text(json.dumps(stamps, indent="\t"), encoding="utf-8")
