"""Any tool's export as an instrument: a CSV file with a header, one row per sample, at a fixed rate.

Columns are named by options; a unit at the end of a name counts: `Timestamp(ms)`, `Current [uA]`, `power_mw`. Without
one they are seconds, watts and amperes. Pulses are falls of a digital column from high to low.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tinyperf.errors import DataError, UsageError
from tinyperf.measure.monitor import Chunk, Identity, Recorded

if TYPE_CHECKING:
    import numpy.typing as npt

VERIFIED: Final = "simulated"
OPTIONS = {
    "file": "the CSV file",
    "time": "column of times (default: time_s)",
    "power": "column of powers; or:",
    "current": "column of currents (default: current_a), with supply=",
    "supply": "millivolts, for current",
    "pulse": "column of the timestamp pin's level, 0 or 1 (default: none)",
}


PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "\u00b5": 1e-6, "\u03bc": 1e-6, "n": 1e-9}  # both signs for micro
UNIT = re.compile(r"[_ (\[](?P<prefix>[mun\u00b5\u03bc]?)(?P<base>[sSaAwWvV])[)\]]?$")


class Csv(Recorded):
    """One file, delivered at once. Made by `open_monitor`."""

    def __init__(self, path: Path, rate_hz: float, power_w: npt.NDArray[np.float64], pulses: tuple[float, ...]) -> None:
        self._path = path
        self._rate_hz = rate_hz
        super().__init__([Chunk(0, power_w, pulses)])

    def describe(self) -> Identity:
        return Identity("csv", self._path.name, "", "", self._rate_hz, VERIFIED, 0.0, (None, None))


def open_monitor(options: dict[str, str]) -> Csv:
    """The recording in options["file"]."""
    if "file" not in options:
        raise UsageError("csv: which file?", hint="for example csv:file=trace.csv,power=power_w")
    path = Path(options["file"])
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
        times_s = _column(rows, options.get("time", "time_s"), "s")
        if "power" in options:
            power_w = _column(rows, options["power"], "W")
        elif "supply" in options:
            power_w = _column(rows, options.get("current", "current_a"), "A") * _supply_v(options["supply"])
        else:
            raise UsageError(
                "csv: neither power= nor supply= given", hint="name the column of watts, or give millivolts"
            )
        levels = np.array([float(row[options["pulse"]]) > 0.5 for row in rows]) if "pulse" in options else None
    except OSError as exc:
        raise DataError(f"{path}: {exc.strerror}", hint="give an existing CSV file") from exc
    except KeyError as exc:
        known = ", ".join(filter(None, rows[0])) if rows else "none"
        raise DataError(f"{path} has no column {exc}", hint=f"its columns: {known}") from exc
    except (ValueError, TypeError, csv.Error) as exc:
        raise DataError(f"{path}: {exc}", hint="every row needs a number in each column used") from exc
    rate_hz = _rate_hz(times_s, path)
    falls = np.flatnonzero(np.diff(levels.astype(np.int8)) == -1) + 0.5 if levels is not None else ()
    return Csv(path, rate_hz, power_w, tuple(float(f) for f in falls))


def _column(rows: list[dict[str, str]], name: str, unit: str) -> npt.NDArray[np.float64]:
    """A column in `unit`: s, A or W.

    Raises: KeyError, TypeError, ValueError: no such column, or a cell that is no number. DataError: another unit.
    """
    match = UNIT.search(name)
    if match and match["base"].upper() != unit.upper():
        raise DataError(
            f"column '{name}' is in {match['prefix']}{match['base']}, {unit} are needed", hint="name another column"
        )
    scale = PREFIXES[match["prefix"]] if match else 1.0
    return np.array([float(row[name]) for row in rows]) * scale


def _supply_v(text: str) -> float:
    try:
        return float(text) * 1e-3
    except ValueError as exc:
        raise UsageError(f"csv: supply={text}", hint="give millivolts, for example supply=3300") from exc


def _rate_hz(times_s: npt.NDArray[np.float64], path: Path) -> float:
    steps = np.diff(times_s)
    if len(steps) < 1 or np.median(steps) <= 0:
        raise DataError(f"{path} holds {len(times_s)} samples whose times do not rise", hint="export the whole trace")
    step_s = float(times_s[-1] - times_s[0]) / len(steps)
    if np.abs(steps - step_s).max() > 0.5 * step_s:
        raise DataError(
            f"{path}: samples are {steps.min():g} to {steps.max():g} s apart",
            means="samples are missing, or the rate changes",
            hint="export at one fixed rate",
        )
    return 1.0 / step_s
