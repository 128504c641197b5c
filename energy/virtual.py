"""The virtual board's power model read directly: no instrument, no wire, no noise. Always an estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tinyperf.errors import UsageError
from tinyperf.measure.monitor import Chunk, Identity
from tinyperf.virtual.bench import Bench, Sampler, SyntheticBench

if TYPE_CHECKING:
    from collections.abc import Iterator

VERIFIED: Final = "simulated"
PLAYED: Final = True  # there is no real one
OPTIONS = {"freq": "samples per second, 1000 (default) to 100000"}


class Virtual:
    """Samples of a bench. Made by `open_monitor`."""

    def __init__(self, bench: Bench, rate_hz: float) -> None:
        self._bench = bench
        self._rate_hz = rate_hz
        self._sampler: Sampler | None = None
        self._closed = False

    def describe(self) -> Identity:
        return Identity("virtual", "power model", "", "", self._rate_hz, VERIFIED, 0.0, (0.0, None))

    def set_supply_mv(self, supply_mv: int) -> None:
        self._bench.set_supply_mv(supply_mv)

    def power(self, *, on: bool) -> None:
        self._bench.switch(on=on)

    def start(self) -> None:
        self._sampler = Sampler(self._bench, self._rate_hz)

    def samples(self) -> Iterator[Chunk]:
        while self._sampler is not None and (count := min(self._sampler.due(), 100_000)):
            first = self._sampler.done
            power_w, pulses = self._sampler.take(count)
            yield Chunk(first, power_w, tuple(pulses))

    def stop(self) -> None:
        """Nothing is in flight: what the bench knows is already there."""

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._sampler = None
            self._bench.switch(on=False)


def open_monitor(options: dict[str, str], bench: Bench | None = None) -> Virtual:
    """The power model of the bench of the run in progress, or of a made-up target."""
    freq = options.get("freq", "1000").replace("k", "000")
    if not freq.isdecimal() or not 1000 <= int(freq) <= 100_000:
        raise UsageError(f"virtual: freq={options['freq']}", hint="choose 1000 to 100000")
    return Virtual(bench or SyntheticBench(), float(np.float64(freq)))
