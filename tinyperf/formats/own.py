"""tinyperf's own session folders: transcripts and energy traces.

`transcript.jsonl`: one object a line, {"t_s", "dir", "hex"}. `energy.json` beside `energy-power.f32`, little-endian
float32 watts, one per sample. `session.json` is the session's own business.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from tinyperf.device.happenings import Direction
from tinyperf.errors import ContentError
from tinyperf.figures import error
from tinyperf.formats import files, stream
from tinyperf.formats.recorded import Printed, Recording
from tinyperf.rules import joules, windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.device.happenings import Record

DIRECTIONS: dict[str, Direction] = {direction: direction for direction in get_args(Direction)}
ROLES: dict[str, joules.Role] = {role: role for role in get_args(joules.Role)}
MOST_HZ = 1e9  # no instrument samples power as often
SIDECAR = "energy.json"
POWER = "energy-power.f32"


# -------------------------------------------------------------------------------------------------- transcripts


def line_of(record: Record) -> bytes:
    """A record as a line of a transcript."""
    direction, data, at_s = record
    return f'{{"t_s": {at_s!r}, "dir": "{direction}", "hex": "{data.hex()}"}}\n'.encode()


def records(path: Path) -> Iterator[Record]:
    """The records of one transcript; a last line that a kill cut short is left out.

    Raises: ContentError: another line is damaged; says which.
    """
    for _, record in lines(path):
        yield record


def lines(path: Path) -> Iterator[tuple[int, Record]]:
    """(bytes, record) of every whole line; as `records`."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.endswith(b"\n"):
                return
            try:
                held = json.loads(line)
                record = _record(held["dir"], bytes.fromhex(held["hex"]), float(held["t_s"]))
            except (ArithmeticError, KeyError, RecursionError, TypeError, ValueError) as exc:
                raise ContentError(
                    f"{path}:{number} is no record ({type(exc).__name__}: {exc})",
                    means="the transcript was damaged or changed; nothing was deleted",
                    hint="put the file back; or cut it before that line, and --resume measures the rest again",
                ) from exc
            yield len(line), record


def _record(direction: str, data: bytes, at_s: float) -> Record:
    if not math.isfinite(at_s):
        raise ValueError(f"t_s is {at_s}")
    if direction == "note":
        data.decode()
    return DIRECTIONS[direction], data, at_s


# ------------------------------------------------------------------------------------------------- energy traces


@dataclass(frozen=True)
class Sidecar:
    """`energy.json`: all of an energy recording but its samples. `expected` on the trace's clock, 0 at sample 0.

    `monitor`: what the instrument said of itself. `estimated`: it measured a virtual board, whose error is
    `error_percent`, None where nobody measured that. `damage`: why the recording is not valid.
    """

    sample_rate_hz: float
    samples: int
    lost: int
    pulses_s: tuple[float, ...]
    expected: tuple[joules.Expected, ...]
    supply_mv: int
    accuracy: float
    edge_s: float
    estimated: bool
    error_percent: float | None
    damage: tuple[str, ...]
    monitor: Mapping[str, Any]


def sidecar_json(sidecar: Sidecar) -> str:
    """The text of `energy.json`."""
    return json.dumps({"format": 1, **asdict(sidecar)}, indent=1) + "\n"


def read_energy(folder: Path) -> Recording:
    """The energy recording in a session folder, with what `session.json` says it came to.

    Raises: ContentError: a file is missing or damaged; says which.
    """
    path = folder / SIDECAR
    said = files.parsed(path)
    raw = folder / POWER
    if not raw.is_file():
        raise ContentError(f"{raw} is missing", hint="copy the session folder again, with its raw trace")
    try:
        rate_hz = float(said["sample_rate_hz"])
        power_w = np.fromfile(raw, dtype="<f4").astype(np.float64)
        expected = tuple(
            joules.Expected(ROLES[e["role"]], float(e["at_s"]), int(e["inferences"])) for e in said["expected"]
        )
        pulses = tuple(float(p) for p in said["pulses_s"])
        damage = [str(reason) for reason in said["damage"]]
        accuracy, edge_s, samples = (float(said[k]) for k in ("accuracy", "edge_s", "samples"))
        low_w, high_w = said.get("monitor", {}).get("range_w", (None, None))
        range_w = (None if low_w is None else float(low_w), None if high_w is None else float(high_w))
        stated = said.get("error_percent")
        error_percent = None if stated is None else float(stated)
        figures = (accuracy, edge_s, error_percent or 0.0)
        estimated = bool(said.get("estimated", stated is not None))
        bounds = [bound for bound in range_w if bound is not None]
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as exc:
        raise ContentError(f"{path} is damaged: {exc!r}", hint=files.AGAIN) from exc
    times_s = [*pulses, *(e.at_s for e in expected)]
    if not (rate_hz >= 1 and all(map(math.isfinite, (rate_hz, *figures, *times_s, *bounds)))):
        raise ContentError(f"{path} is damaged: a time, rate or bound is no number", hint=files.AGAIN)
    if not all(0 <= e.inferences < 1 << 53 for e in expected):
        raise ContentError(f"{path} is damaged: no window has so many inferences", hint=files.AGAIN)
    if min(figures) < 0 or not rate_hz <= MOST_HZ or not isinstance(said["damage"], list):
        raise ContentError(
            f"{path} is damaged: no recording has such an accuracy, edge, rate or damage", hint=files.AGAIN
        )
    if len(power_w) != samples or raw.stat().st_size % 4:
        damage.append(f"{raw.name} holds {raw.stat().st_size / 4:g} samples, {samples:.0f} were recorded")
    return Recording(
        "tinyperf",
        power_w / rate_hz,
        rate_hz,
        pulses,
        expected,
        joules.pair(pulses, expected).spans,
        _results(folder),
        accuracy,
        edge_s,
        range_w,
        required=1 if (folder / stream.NAME).is_file() else windows.WINDOWS,
        damage=tuple(damage + not_numbers(power_w, raw.name)),
        notes=(f"estimated, {error(error_percent)}",) if estimated else (),
    )


def _results(folder: Path) -> tuple[Printed, ...]:
    """Energy figures that `session.json` holds as the run's result."""
    path = folder / "session.json"
    held = files.parsed(path) if path.is_file() else None
    result = held.get("result") if isinstance(held, dict) else None
    energy = result.get("energy") if isinstance(result, dict) else None
    if not energy:
        return ()
    try:
        printed = [Printed("median Energy/Inf.", float(energy["uj_per_inference"]), 6)]
        for number, one in enumerate(energy["windows"], 1):
            for name, key in (("Energy/Inf.", "uj_per_inference"), ("Energy", "uj"), ("Runtime", "seconds")):
                printed.append(Printed(f"window {number} {name}", float(one[key]), 6))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as exc:
        raise ContentError(f"{path} is damaged: {exc!r}", hint=files.AGAIN) from exc
    return tuple(printed)


def not_numbers(samples: npt.NDArray[np.float64], name: str) -> list[str]:
    """A reason where some samples are not finite."""
    bad = int(np.count_nonzero(~np.isfinite(samples)))
    return [f"{bad} samples of {name} are not numbers"] if bad else []
