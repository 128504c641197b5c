"""Run rules of performance mode as arithmetic: windows, their number and length, the median, N from a pilot.

Source: MLPerf Tiny run rules; EEMBC prints the same requirement and then accepts a window that breaks it, the
MLCommons runner looks at the loop as a whole. Here every window is checked, and every reason is a sentence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from tinyperf.figures import beside, figure
from tinyperf.result import Performance, Window

WINDOWS = 5
MIN_SECONDS = 10.0
MIN_INFERENCES = 10
AIM_SECONDS = 10.7  # above the minimum by more than a pilot errs, below the 30 s a MLCommons client waits for a line
QUICK_SECONDS = 1.0  # of the one window of a first look: a 1 ms timer errs by 0.1 %
PILOT_SECONDS = 0.5  # long enough that a 1 ms timer (the coarsest allowed) errs by 0.2 %
CLOCK_TOLERANCE = 0.01


@dataclass(frozen=True)
class Timed:
    """One window as seen: `input_name` tells inputs apart; `host_s` the host's clock around it, None where unknown.

    `latency_s`: what the host's figure may be off by, from line speed and USB polling.
    """

    input_name: str
    inferences: int
    device_us: int
    host_s: float | None = None
    latency_s: float = 0.0


def inferences_for(seconds_per_inference: float, aim_s: float = AIM_SECONDS) -> int:
    """N of a window that lasts about `aim_s`; never below the rules' minimum.

    Args: seconds_per_inference: from a pilot; > 0.
    """
    return max(MIN_INFERENCES, math.ceil(aim_s / seconds_per_inference))


def next_pilot(inferences: int, device_us: int) -> int | None:
    """How many inferences the next pilot takes; None once this one was long enough to be trusted."""
    if device_us >= PILOT_SECONDS * 1e6:
        return None
    per_inference_us = max(device_us, 1) / inferences
    return min(inferences * 1000, max(inferences + 1, math.ceil(1.2 * PILOT_SECONDS * 1e6 / per_inference_us)))


def line_latency_s(characters: int, baud: int | None) -> float:
    """What a serial line may add to an interval: `characters` at 10 bits each, and two USB polls of 16 ms."""
    return (characters * 10 / baud if baud else 0.0) + 0.032


def reasons(windows: list[Timed], *, cross_check: bool) -> tuple[str, ...]:
    """Why these windows are not valid; empty where the rules were kept. `cross_check`: the host's clock is real."""
    found: list[str] = []
    if len(windows) != WINDOWS:
        were = "window was" if len(windows) == 1 else "windows were"
        found.append(f"{len(windows)} {were} measured; the rules want exactly {WINDOWS}")
    names = [w.input_name for w in windows]
    if len(set(names)) != len(names):
        found.append(f"the windows used {len(set(names))} different inputs; the rules want {WINDOWS}")
    for k, w in enumerate(windows, start=1):
        seconds = w.device_us / 1e6
        if seconds < MIN_SECONDS:
            found.append(
                f"window {k} lasted {beside(seconds, MIN_SECONDS)} s; the rules want at least {MIN_SECONDS:g} s"
            )
        if w.inferences < MIN_INFERENCES:
            found.append(f"window {k} held {w.inferences} inferences; the rules want at least {MIN_INFERENCES}")
        if cross_check and w.host_s is not None and not clocks_agree(w):
            found.append(
                f"window {k} lasted {figure(seconds)} s by the device's clock and {figure(w.host_s)} s by the host's; "
                f"they may differ by {CLOCK_TOLERANCE:.0%}"
            )
    return tuple(found)


def clocks_agree(window: Timed) -> bool:
    """The device's window and the host's agree within 1 %, line latency taken off."""
    seconds = window.device_us / 1e6
    return window.host_s is None or abs(window.host_s - seconds) <= CLOCK_TOLERANCE * seconds + window.latency_s


def performance(windows: list[Timed]) -> Performance | None:
    """Throughput of each window, their median, and the latency that belongs to it; None without a window."""
    rows = tuple(
        Window(w.inferences, w.device_us / 1e6, w.inferences / (w.device_us / 1e6)) for w in windows if w.device_us > 0
    )
    if not rows:
        return None
    throughput = median(w.throughput_ips for w in rows)
    return Performance(latency_ms=1000.0 / throughput, throughput_ips=throughput, windows=rows)
