"""What the two runners print, with the line of every figure: `results.txt`, and the trials of `log.txt`.

Formats: EnergyRunner 3.0.10 as found in the published rounds v0.5 to v1.3; the MLCommons runner (`benchmark/runner`,
mlcommons/tiny 1afd2c9). What stands in a line decides, not which runner wrote it: both forms are read alike.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True)
class Figure:
    """A printed figure, its line, and how exactly it was printed."""

    value: float
    decimals: int
    line: int

    @property
    def half_digit(self) -> float:
        """What rounding to the printed decimals may have taken."""
        return 0.5 * 10.0**-self.decimals

    def agrees(self, value: float, *, slack: float = 0.0) -> bool:
        """`value` would be printed like this, give or take `slack` and what float32 carries."""
        return abs(value - self.value) <= self.half_digit * 1.001 + slack + 1e-7 * abs(self.value)


@dataclass(frozen=True)
class PrintedWindow:
    """One window or trial as `results.txt` lists it; None where a figure is not there."""

    number: int
    line: int
    inferences: Figure | None = None
    seconds: Figure | None = None
    throughput: Figure | None = None
    uj: Figure | None = None
    uj_per_inference: Figure | None = None


@dataclass
class Printed:
    """A `results.txt`. `refused`: lines in which the runner itself says that the run is not valid."""

    windows: list[PrintedWindow] = field(default_factory=list)
    energy_windows: list[PrintedWindow] = field(default_factory=list)
    median_throughput: list[Figure] = field(default_factory=list)
    median_uj: list[Figure] = field(default_factory=list)
    power_mw: list[Figure] = field(default_factory=list)
    top1_percent: list[Figure] = field(default_factory=list)
    auc: list[Figure] = field(default_factory=list)
    duty_cycle: list[Figure] = field(default_factory=list)
    stream_throughput: list[Figure] = field(default_factory=list)
    detections: list[tuple[int, int, int, int]] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class PrintedTrial:
    """One `infer` of a log: `seconds` by the device's clock, `host_s` by the host's stamps, good to `stamp_s`."""

    line: int
    file: str
    inferences: int
    seconds: float
    outputs: tuple[float, ...]
    warmups: int = 0
    host_s: float | None = None
    stamp_s: float = 0.001


@dataclass
class PrintedLog:
    """A `log.txt`: its runner, the model that the device named, its trials, and what the runner complained of."""

    runner: str | None = None
    models: list[tuple[int, str]] = field(default_factory=list)
    trials: list[PrintedTrial] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)


_NUMBER = r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_WINDOW = re.compile(r"(Performance results|Energy data) for (?:window|trial) (\d+)")
_IN_WINDOW = {
    "inferences": re.compile(r"(?:#\s+)?Inferences\s*: +(\d+)"),
    "seconds": re.compile(rf"(?:Runtime|Elapsed time)\s*: +{_NUMBER}"),
    "throughput": re.compile(rf"Throughput\s*: +{_NUMBER} inf"),
    "uj": re.compile(rf"(?:Total )?Energy\s*: +{_NUMBER} uJ$"),
    "uj_per_inference": re.compile(rf"Energy/Inf\.?\s*: +{_NUMBER} uJ/inf"),
}
_ALONE = {
    "median_throughput": re.compile(rf"Median throughput is +{_NUMBER} inf"),
    "median_uj": re.compile(rf"Median energy cost is +{_NUMBER} uJ/inf"),
    "power_mw": re.compile(rf"Power\s*: +{_NUMBER} mW"),
    "top1_percent": re.compile(rf"Top[- ]1%?\s?[:=] *{_NUMBER}"),
    "auc": re.compile(rf"AUC\s?[:=] *{_NUMBER}"),
    "duty_cycle": re.compile(rf"Average duty cycle: *{_NUMBER}"),
    "stream_throughput": re.compile(rf"Estimated throughput: *{_NUMBER} inf"),
}
_DETECTIONS = re.compile(r"Accuracy: (\d+) True positives, (\d+) False negatives, (\d+) False positives")
_REFUSED = re.compile(
    r"ulp-ml\w*: e-\[(.+)\]|(ERROR \d.*|ERROR: Not valid.*|ERROR: Incomplete time data.*)|(<<<< below minimum duration)"
)


def results(text: str) -> Printed:
    """Every figure of a `results.txt`; figures that no window owns are listed in the order they stand."""
    printed = Printed()
    for number, line in enumerate(_lines(text), 1):
        if refused := _REFUSED.search(line):
            printed.refused.append((number, next(filter(None, refused.groups())).strip()))
        if match := _WINDOW.search(line):
            rows = printed.windows if match[1].startswith("Perf") else printed.energy_windows
            rows.append(PrintedWindow(int(match[2][:9]), number))
            _times(rows, line, number)
            continue
        if match := _DETECTIONS.search(line):
            counts = (int(group[:9]) for group in match.groups())
            printed.detections.append((number, *counts))  # type: ignore[arg-type]  # three groups
        for name, pattern in _ALONE.items():
            if match := pattern.search(line):
                getattr(printed, name).append(_figure(match[1], number))
        _in_window(printed, line, number)
    return printed


def _lines(text: str) -> list[str]:
    """As editors number them: some devices send a bare carriage return in the middle of a line."""
    return [line.rstrip() for line in text.split("\n")]


def _times(rows: list[PrintedWindow], line: str, number: int) -> None:
    """EnergyRunner: "Energy data for window 2 at time 2.77 for 10.91 sec.:"."""
    if match := re.search(rf" for {_NUMBER} sec", line):
        rows[-1] = replace(rows[-1], seconds=_figure(match[1], number))


def _in_window(printed: Printed, line: str, number: int) -> None:
    """A line of the window named last; the energy windows of EnergyRunner may follow those of performance."""
    rows = max((printed.windows, printed.energy_windows), key=lambda rows: rows[-1].line if rows else 0)
    for name, pattern in _IN_WINDOW.items():
        if (match := pattern.search(line)) and rows and getattr(rows[-1], name) is None:
            figure = _figure(match[1], number)
            rows[-1] = replace(
                rows[-1],
                inferences=figure if name == "inferences" else rows[-1].inferences,
                seconds=figure if name == "seconds" else rows[-1].seconds,
                throughput=figure if name == "throughput" else rows[-1].throughput,
                uj=figure if name == "uj" else rows[-1].uj,
                uj_per_inference=figure if name == "uj_per_inference" else rows[-1].uj_per_inference,
            )


def _figure(text: str, line: int) -> Figure:
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    value = float(text)
    return Figure(
        value if math.isfinite(value) else math.nan, max(-30, min(30, decimals - int(exponent[:4] or 0))), line
    )


# ------------------------------------------------------------------------------------------------------- log.txt

_STAMP = re.compile(r"^(\d+\.\d+) ")
_CLOCK = re.compile(r"^(\d{4})\.(\d\d)(\d\d)(\d\d) ulp-mlperf: ")
_LOAD = re.compile(r'Command "bload \S+ "?([^"]+?)"?(?: \d+ \d+)?"$')
_LOADING = re.compile(r"Loading file (\S+) segment (\d+)")
_RUNNING = re.compile(r"Running inference with (\d+)/(\d+)")
# Some devices echo the command in front of their answer: "dut: profilem-profile-[...]".
_START = re.compile(r" dut\S*: .*m-infer-start-(\d+)")
_WARM = re.compile(r" dut\S*: .*m-warmup-start-(\d+)")
_LAP = re.compile(r" dut\S*: .*m-lap-us-(\d+)")
_OUTPUTS = re.compile(r"m-results(?:-|\s*: *)\[([^\]]*)\]")
_MODEL = re.compile(r"m-model-\[(\w+)\]|Device model retrieved: (\w+)")


def log(text: str) -> PrintedLog:
    """The trials of a log, whichever of the two runners wrote it."""
    lines = _lines(text)
    found = PrintedLog(_runner(lines))
    for number, line in enumerate(lines, 1):
        if match := _MODEL.search(line):
            found.models.append((number, match[1] or match[2]))
        if refused := _REFUSED.search(line):
            found.refused.append((number, next(filter(None, refused.groups())).strip()))
    found.trials = list(_energyrunner(lines) if found.runner == "energyrunner" else _mlcommons(lines))
    return found


def _runner(lines: list[str]) -> str | None:
    for line in lines:
        if " session: " in line or " dut: m-" in line:
            return "energyrunner"
        if line.startswith(("Logging initialized", "Initializing SerialDevice")) or _LOADING.search(line):
            return "mlcommons"
    return None


@dataclass
class _Laps:
    """An `infer` under way: its stamps so far, by the device in us and by the host in seconds."""

    inferences: int
    us: list[int] = field(default_factory=list)
    host_s: list[float] = field(default_factory=list)


def _energyrunner(lines: Iterable[str]) -> Iterator[PrintedTrial]:
    file, warmups, laps = "", 0, _Laps(0)
    for number, line in enumerate(lines, 1):
        if match := _LOAD.search(line):
            file = re.split(r"[\\/]", match[1])[-1]
        elif match := _WARM.search(line):
            warmups = int(match[1][:9])
        elif match := _START.search(line):
            laps = _Laps(int(match[1][:9]))
        elif match := _LAP.search(line):
            stamp = _STAMP.match(line)
            laps.us.append(int(match[1][:18]))
            laps.host_s.append(float(stamp[1]) if stamp else math.nan)
        elif (match := _OUTPUTS.search(line)) and laps.inferences:
            seconds, host_s = math.nan, None
            if len(laps.us) == 2:  # in energy mode the pin tells the time, not the line
                seconds = (laps.us[1] - laps.us[0]) / 1e6
                host_s = laps.host_s[1] - laps.host_s[0]
            yield PrintedTrial(number, file, laps.inferences, seconds, _outputs(match[1]), warmups, host_s)
            laps = _Laps(0)


def _mlcommons(lines: Iterable[str]) -> Iterator[PrintedTrial]:
    file, warmups, inferences, seconds = "", 0, 0, math.nan
    loaded_s = now_s = math.nan
    for number, line in enumerate(lines, 1):
        if match := _CLOCK.match(line):
            now_s = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4])
        if match := _LOADING.search(line):
            file, seconds = match[1], math.nan
        elif "Load complete" in line:
            loaded_s = now_s
        elif match := _RUNNING.search(line):
            warmups, inferences = int(match[1][:9]), int(match[2][:9])
        elif match := _IN_WINDOW["seconds"].search(line):
            seconds = float(match[1])
        elif (match := _OUTPUTS.search(line)) and file:
            host_s = (now_s - loaded_s) % 86400  # past midnight
            yield PrintedTrial(number, file, inferences, seconds, _outputs(match[1]), warmups, host_s, 1.0)
            file = ""


def _outputs(text: str) -> tuple[float, ...]:
    """The values of an m-results line; NaN where there is something else."""
    return tuple(_value(part) for part in text.split(",") if part.strip())


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
