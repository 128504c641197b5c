"""Energy instruments by themselves: which there are, whether one works, and one played on a pseudo terminal."""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

from tinyperf.device import isolators
from tinyperf.errors import UsageError
from tinyperf.figures import figure
from tinyperf.measure import monitor
from tinyperf.measure.recorder import Recorder
from tinyperf.rules.joules import MAX_LOST
from tinyperf.virtual import bench
from tinyperf.virtual import instruments as played

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from tinyperf.measure.monitor import Monitor
    from tinyperf.rules.joules import RangeW

POLL_S = 0.1
RATE_TOLERANCE = 0.02
NOISE_W = 1e-3
ON_A_PORT = ("lpm01a", "ppk2", *isolators.KINDS)
"""What speaks over a serial port, so that another program can open it."""
OFF_S = 3.0
"""With the target off there is nothing to see after that long."""


class InstrumentInfo(TypedDict):
    """One instrument: `verified` on hardware, or against its simulator only; `options`, and what each is."""

    name: str
    title: str
    verified: Literal["hardware", "simulated"]
    options: dict[str, str]


class InstrumentCheck(TypedDict):
    """What came of an instrument on its own: its `Identity`, and what was seen with the target off and on.

    `noise_floor_uw`: mean with the target off; `power_mw`: mean with it on. `ok`: there are no `problems`.
    """

    name: str
    model: str
    serial: str
    firmware: str
    sample_rate_hz: float
    verified: Literal["hardware", "simulated"]
    accuracy: float
    range_w: RangeW
    measured_rate_hz: float
    samples: int
    lost: int
    noise_floor_uw: float
    power_mw: float
    pulses: int
    test_pulse: str
    problems: list[str]
    ok: bool


def known() -> list[InstrumentInfo]:
    """Every instrument there is."""
    found: list[InstrumentInfo] = []
    for name in monitor.known():
        _, module, _ = monitor.find(name)
        title = (module.__doc__ or "").partition("\n")[0]
        found.append({"name": name, "title": title, "verified": module.VERIFIED, "options": _options(name, module)})
    return found


def _options(name: str, module: ModuleType) -> dict[str, str]:
    """With those of its simulator, where it has one."""
    own: dict[str, str] = dict(module.OPTIONS)
    if name not in played.names() or getattr(module, "PLAYED", False):
        return own
    port = f"{own['port']}, or 'simulated'" if "port" in own else "'simulated' plays one"
    return own | {"port": port, "fault": "with port=simulated: faults to inject, joined by +"}


def check(
    text: str, *, supply_mv: int, seconds: float, out: Path | None, told: Callable[[str], None]
) -> InstrumentCheck:
    """Sample with the target off, then on; see api.energy_check."""
    with monitor.opened(text, played.played_on()) as instrument:
        if isinstance(instrument, monitor.Recorded):
            raise UsageError(f"{text} is a recording: there is nothing to switch on", hint="name an instrument")
        identity = instrument.describe()
        how = f"touch {_timestamp(text)} to ground, or send 'timestamp' to a board in energy mode"
        instrument.set_supply_mv(supply_mv)
        instrument.power(on=False)
        off, _ = _sampled(instrument, min(seconds, OFF_S), None)
        instrument.power(on=True)
        told(f"the target is on for {seconds:g} s; for a test pulse, {how}")
        on, on_s = _sampled(instrument, seconds, out)
    rate_hz, floor_w = identity.sample_rate_hz, _mean_w(off)
    problems = _problems(off, on, seconds=seconds, on_s=on_s, rate_hz=rate_hz)
    return {
        "name": identity.name,
        "model": identity.model,
        "serial": identity.serial,
        "firmware": identity.firmware,
        "sample_rate_hz": rate_hz,
        "verified": identity.verified,
        "accuracy": identity.accuracy,
        "range_w": identity.range_w,
        "measured_rate_hz": round(on.position / on_s, 1),
        "samples": on.received,
        "lost": on.position - on.received,
        "noise_floor_uw": round(floor_w * 1e6, 3),
        "power_mw": round(_mean_w(on) * 1e3, 6),
        "pulses": len(on.pulses),
        "test_pulse": f"seen at {on.pulses[0] / rate_hz:.3f} s" if on.pulses else f"not seen: {how}",
        "problems": problems,
        "ok": not problems,
    }


def _problems(off: Recorder, on: Recorder, *, seconds: float, on_s: float, rate_hz: float) -> list[str]:
    problems = list(dict.fromkeys([*off.notes, *on.notes]))
    lost = on.position - on.received
    if lost > on.position * MAX_LOST:
        problems.append(f"{lost} of {on.position} samples were lost")
    if abs(on.position / on_s / rate_hz - 1.0) > RATE_TOLERANCE + POLL_S / seconds:
        problems.append(f"{on.position / on_s:.0f} samples per second, {rate_hz:.0f} were promised")
    if _mean_w(off) > NOISE_W:
        problems.append(f"{figure(_mean_w(off) * 1e3)} mW with the target off: it is fed from elsewhere")
    return problems


def _timestamp(text: str) -> str:
    """Where the timestamp line goes, as the wiring drawings say it."""
    _, module, _ = monitor.find(text)
    place: str = getattr(module, "WIRING", {}).get("timestamp", "its timestamp input")
    return place


def _sampled(instrument: Monitor, seconds: float, out: Path | None) -> tuple[Recorder, float]:
    """A recording of about `seconds` of the wall clock, and how long it was exactly."""
    recorder = Recorder(instrument, out or Path(os.devnull))
    try:
        recorder.start()
        begun_s = time.monotonic()
        while time.monotonic() - begun_s < seconds:
            time.sleep(POLL_S)
            recorder.drain()
        lasted_s = time.monotonic() - begun_s
        recorder.finish()
    finally:
        recorder.close()
    return recorder, lasted_s


def _mean_w(recorder: Recorder) -> float:
    return recorder.sum_w / recorder.received if recorder.received else 0.0


@contextlib.contextmanager
def simulated(name: str, fault: str) -> Iterator[tuple[str, Iterator[str]]]:
    """A simulator with a made-up target; see api.energy_simulate."""
    if name not in ON_A_PORT:
        raise UsageError(f"nothing plays '{name}' on a port of its own", hint=f"choose one of {', '.join(ON_A_PORT)}")
    target = bench.SyntheticBench()
    folder = "isolators" if name in isolators.KINDS else "instruments"
    port = importlib.import_module(f"tinyperf.virtual.{folder}.{name}").start(target, faults=fault)
    try:
        yield port.path, _followed(target)
    finally:
        port.close()


def _followed(target: bench.Bench) -> Iterator[str]:
    shown = 0
    while True:
        for at_s, what in target.log[shown:]:
            yield f"{at_s:.3f} s: {what}"
        shown = len(target.log)
        time.sleep(POLL_S)
