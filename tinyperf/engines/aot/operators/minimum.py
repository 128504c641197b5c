"""MINIMUM."""

from __future__ import annotations

from tinyperf.engines.aot.operators._larger import choosing

OPERATOR = choosing("MINIMUM", maximum=False)
