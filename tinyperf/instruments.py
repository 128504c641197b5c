"""Energy instruments by themselves: which there are, whether one works, and one played on a pseudo terminal."""

from __future__ import annotations

import contextlib
import importlib
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf import content, monitor
from tinyperf.simulators import bench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.monitor import Chunk, Monitor

POLL_S = 0.1
RATE_TOLERANCE = 0.02
NOISE_W = 1e-3


def known() -> list[dict[str, Any]]:
    """Name, title, options and verification of every module in the folder `energy`."""
    found = []
    for name, path in content.names("energy", ".py").items():
        module = content.load_module("energy", path)
        title = (module.__doc__ or "").partition("\n")[0]
        found.append({"name": name, "title": title, "verified": module.VERIFIED, "options": dict(module.OPTIONS)})
    return found


def check(text: str, *, supply_mv: int, seconds: float) -> dict[str, Any]:
    """Sample with the target off, then on; see api.energy_check."""
    with monitor.opened(text) as instrument:
        identity = asdict(instrument.describe())
        instrument.set_supply_mv(supply_mv)
        instrument.power(on=False)
        off, off_s = _sampled(instrument, seconds)
        instrument.power(on=True)
        on, on_s = _sampled(instrument, seconds)
    rate_hz = identity["sample_rate_hz"]
    received = _count(on)
    span = max((c.first + len(c.power_w) for c in on), default=0)
    floor_w, power_w = _mean_w(off), _mean_w(on)
    problems = list(dict.fromkeys(note for chunk in (*off, *on) for note in chunk.notes))
    if received < span * 0.999:
        problems.append(f"{span - received} of {span} samples were lost")
    if abs(span / on_s / rate_hz - 1.0) > RATE_TOLERANCE + POLL_S / seconds:
        problems.append(f"{span / on_s:.0f} samples per second, {rate_hz:.0f} were promised")
    if floor_w > NOISE_W:
        problems.append(f"{floor_w * 1e3:.3f} mW with the target off: it is fed from elsewhere")
    return {
        **identity,
        "measured_rate_hz": round(span / on_s, 1),
        "noise_floor_uw": round(floor_w * 1e6, 3),
        "power_mw": round(power_w * 1e3, 6),
        "pulses": sum(len(c.pulses) for c in on),
        "off_s": round(off_s, 3),
        "problems": problems,
        "ok": not problems,
    }


def _sampled(instrument: Monitor, seconds: float) -> tuple[list[Chunk], float]:
    """Chunks of about `seconds` of the wall clock, and how long it was exactly."""
    instrument.start()
    begun_s = time.monotonic()
    chunks: list[Chunk] = []
    while time.monotonic() - begun_s < seconds:
        time.sleep(POLL_S)
        chunks += instrument.samples()
    lasted_s = time.monotonic() - begun_s
    instrument.stop()
    return [*chunks, *instrument.samples()], lasted_s


def _count(chunks: list[Chunk]) -> int:
    return sum(len(c.power_w) for c in chunks)


def _mean_w(chunks: list[Chunk]) -> float:
    return float(np.mean(np.concatenate([c.power_w for c in chunks]))) if _count(chunks) else 0.0


@contextlib.contextmanager
def simulated(name: str, fault: str) -> Iterator[tuple[str, Iterator[str]]]:
    """A simulator with a made-up target; see api.energy_simulate."""
    target = bench.SyntheticBench()
    port = importlib.import_module(f"tinyperf.simulators.{name}").start(target, faults=fault)
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
