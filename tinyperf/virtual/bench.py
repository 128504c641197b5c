"""What simulated instruments measure: a target's power over time and the edges of its timestamp pin.

A `Bench` grows as its target runs. A virtual board feeds one in virtual time; without a board, `synthetic` plays a
made-up target against the wall clock. `current` is the bench that `port=simulated` connects to.
"""

from __future__ import annotations

import bisect
import math
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt


@dataclass
class Bench:
    """Power of one target up to `horizon_s`, in watts at its rail, and falling edges of its timestamp pin.

    `log` holds what instruments did to the target's supply, with the bench's time.
    """

    supply_mv: int = 3300
    on: bool = False
    log: list[tuple[float, str]] = field(default_factory=list)
    _times_s: list[float] = field(default_factory=lambda: [0.0])
    _energy_j: list[float] = field(default_factory=lambda: [0.0])
    _pulses_s: list[float] = field(default_factory=list)
    _listeners: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def horizon_s(self) -> float:
        """Everything before this is known."""
        return self._times_s[-1]

    @property
    def paced(self) -> bool:
        """Whether the horizon moves with the wall clock, so that nobody says when it has moved."""
        return False

    def advance(self, to_s: float, power_w: float, pulses_s: Sequence[float] = ()) -> None:
        """The target drew `power_w` up to `to_s`, and its pin fell at `pulses_s`. Nothing is drawn while off."""
        with self._lock:
            if to_s > self._times_s[-1]:
                drawn = power_w * (to_s - self._times_s[-1]) if self.on else 0.0
                self._energy_j.append(self._energy_j[-1] + drawn)
                self._times_s.append(to_s)
            self._pulses_s += pulses_s
        if not self.paced:
            for listener in tuple(self._listeners):
                listener()

    def energy_j(self, edges_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Energy between consecutive edges: [n] -> [n - 1] joules."""
        with self._lock:
            low = max(bisect.bisect(self._times_s, edges_s[0]) - 1, 0)
            high = bisect.bisect(self._times_s, edges_s[-1]) + 1
            known = np.interp(edges_s, self._times_s[low:high], self._energy_j[low:high])
        result: npt.NDArray[np.float64] = np.diff(known)
        return result

    def pulses_s(self, begin_s: float, end_s: float) -> list[float]:
        """Falling edges in [begin, end)."""
        with self._lock:
            return self._pulses_s[
                bisect.bisect_left(self._pulses_s, begin_s) : bisect.bisect_left(self._pulses_s, end_s)
            ]

    def switch(self, *, on: bool) -> None:
        """The instrument switched the supply."""
        self.on = on
        self.log.append((self.horizon_s, "power on" if on else "power off"))

    def set_supply_mv(self, supply_mv: int) -> None:
        """The instrument set the supply voltage."""
        self.supply_mv = supply_mv
        self.log.append((self.horizon_s, f"supply {supply_mv} mV"))

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the horizon has moved."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        """The opposite of `listen`."""
        self._listeners.remove(listener)


SYNTHETIC_IDLE_W = 0.012
SYNTHETIC_ACTIVE_W = 0.042
SYNTHETIC_PERIOD_S = 1.0
SYNTHETIC_ACTIVE_S = 0.6
SYNTHETIC_KEPT_S = 60.0
"""What lies further back is forgotten; an instrument that is this far behind has long stopped."""


@dataclass
class SyntheticBench(Bench):
    """A made-up target in real time: each second 0.6 s at 42 mW between two pulses, else 12 mW."""

    _began_s: float = field(default_factory=time.monotonic)

    @property
    def paced(self) -> bool:
        return True

    @property
    def horizon_s(self) -> float:
        now_s = time.monotonic() - self._began_s
        self._extend(now_s)
        return now_s

    def _extend(self, now_s: float) -> None:
        while (last_s := self._times_s[-1]) < now_s:
            phase_s = round(last_s % SYNTHETIC_PERIOD_S, 9) % SYNTHETIC_PERIOD_S
            active = phase_s < SYNTHETIC_ACTIVE_S
            to_s = min(last_s - phase_s + (SYNTHETIC_ACTIVE_S if active else SYNTHETIC_PERIOD_S), now_s)
            edge = [last_s] if self.on and phase_s in {0.0, SYNTHETIC_ACTIVE_S} else []
            if to_s <= last_s:
                return
            self.advance(to_s, SYNTHETIC_ACTIVE_W if active else SYNTHETIC_IDLE_W, edge)
        with self._lock:
            old = bisect.bisect(self._times_s, now_s - SYNTHETIC_KEPT_S)
            if old > len(self._times_s) // 2:
                del self._times_s[:old], self._energy_j[:old]
                del self._pulses_s[: bisect.bisect(self._pulses_s, now_s - SYNTHETIC_KEPT_S)]


@dataclass
class Sampler:
    """Samples of a bench at a fixed rate, from the moment it is made; an instrument's front end.

    `origin_s` is the bench time of sample 0.
    """

    bench: Bench
    rate_hz: float
    origin_s: float = field(init=False)
    done: int = 0
    _pulses_from_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._pulses_from_s = self.origin_s = self.bench.horizon_s

    def due(self) -> int:
        """How many more samples the bench can give."""
        return max(int((self.bench.horizon_s - self.origin_s) * self.rate_hz + 1e-6) - self.done, 0)

    def take(self, count: int) -> tuple[npt.NDArray[np.float64], list[float]]:
        """The next `count` samples in watts, and the pulses among them as positions in samples since the first.

        A pulse on the very edge of what was known, which rounding put into the samples before, comes with these.
        """
        edges_s = self.origin_s + np.arange(self.done, self.done + count + 1) / self.rate_hz
        power_w = self.bench.energy_j(edges_s) * self.rate_hz
        pulses_s = self.bench.pulses_s(self._pulses_from_s, edges_s[-1])
        if pulses_s:
            self._pulses_from_s = math.nextafter(pulses_s[-1], math.inf)
        self.done += count
        return power_w, [(p - self.origin_s) * self.rate_hz for p in pulses_s]
