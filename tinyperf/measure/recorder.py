"""What an instrument delivers, written to disk as it comes: memory does not grow with the recording's length."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinyperf.errors import DiskError

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.measure.monitor import Chunk, Monitor


@dataclass
class Recorder:
    """What the instrument delivers, to disk as it comes. Samples that were lost are written as zeros and counted."""

    instrument: Monitor
    path: Path
    pulses: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    received: int = 0
    sum_w: float = 0.0
    position: int = 0
    running: bool = False

    def __post_init__(self) -> None:
        try:
            self._out = self.path.open("wb")
        except OSError as exc:
            raise self._full(exc) from exc

    def start(self) -> None:
        """Sample 0 comes now."""
        self.instrument.start()
        self.running = True

    def drain(self) -> None:
        """Take over what has arrived."""
        if self.running:
            for chunk in self.instrument.samples():
                self._take(chunk)

    def _take(self, chunk: Chunk) -> None:
        self.pulses += chunk.pulses
        self.notes += [note for note in chunk.notes if note not in self.notes]
        if len(chunk.power_w):
            gap = chunk.first - self.position
            try:
                self._out.write(bytes(4 * max(gap, 0)))
                self._out.write(chunk.power_w.astype("<f4").tobytes())
            except OSError as exc:
                raise self._full(exc) from exc
            self.received += len(chunk.power_w)
            self.sum_w += float(chunk.power_w.sum())
            self.position = max(chunk.first, self.position) + len(chunk.power_w)

    def finish(self) -> None:
        """Stop, and take over what was in flight."""
        if self.running:
            self.instrument.stop()
            self.drain()
            self.running = False

    def close(self) -> None:
        """Nothing more will be written.

        Raises: DiskError: what was still in memory does not fit.
        """
        try:
            self._out.close()
        except OSError as exc:
            raise self._full(exc) from exc

    def _full(self, exc: OSError) -> DiskError:
        return DiskError(
            f"{self.path} cannot be written: {exc.strerror or exc}",
            means="the disk is full, or the folder may not be written to",
            hint="make room, then start a new session",
        )
