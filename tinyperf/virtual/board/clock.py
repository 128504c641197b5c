"""Virtual time: core cycles, and picoseconds by the clock that the firmware has set.

Cycles are kept in units of 2**-20 cycle, so that a fractional number of cycles per instruction loses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PS = 10**12
"""Picoseconds in a second."""
ONE = 1 << 20
"""One cycle."""


class Clock:
    """Time since power-on. `running`: units that the quantum under way has taken so far; 0 between quanta."""

    def __init__(self, running: Callable[[], int]) -> None:
        self._running = running
        self._units = 0
        self._ps0, self._cycles0, self._hz = 0, 0, 1

    def _now(self) -> int:
        return self._units + self._running()

    def cycles(self) -> int:
        """Core cycles since power-on."""
        return self._now() // ONE

    def now_ps(self) -> int:
        """Virtual picoseconds since power-on."""
        units = self._units + self._running()
        return self._ps0 + (units - self._cycles0 * ONE) * PS // (self._hz * ONE)

    def set_hz(self, hz: int) -> None:
        """Another core clock; time goes on from here."""
        now = self.now_ps()
        self._cycles0 = self._now() // ONE
        self._ps0 = now
        self._hz = hz

    def units_until(self, ps: int) -> int:
        """Units from now to then; negative where then has been."""
        return self._at(ps) - self._units - self._running()

    def add(self, units: int) -> int:
        """A quantum has taken so many units; whole cycles that ended in them."""
        before = self._units // ONE
        self._units += units
        return self._units // ONE - before

    def skip_to(self, ps: int) -> int:
        """Let time pass until then; the cycles that passed."""
        before = self._units
        self._units = max(before, self._at(ps))
        return (self._units - before) // ONE

    def wait_until(self, ps: int) -> int:
        """Let time pass until then in the middle of a quantum; the whole cycles that passed."""
        units = max(0, self.units_until(ps))
        self._units += units
        return units // ONE

    def _at(self, ps: int) -> int:
        return self._cycles0 * ONE - (-(ps - self._ps0) * self._hz * ONE // PS)
