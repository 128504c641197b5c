"""Cycles of a Cortex-M core, block by block: the detailed model of the virtual board."""

from __future__ import annotations

from typing import Protocol


class Pipeline(Protocol):
    """Counts cycles while a quantum runs; `cycles` since `begin`."""

    cycles: int

    def begin(self) -> None:
        """A quantum starts."""

    def end(self, executed: int) -> int:
        """A quantum ended after so many instructions; its cycles."""
