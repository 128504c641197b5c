"""MAXIMUM."""

from __future__ import annotations

from tinyperf.engines.aot.operators._larger import choosing

OPERATOR = choosing("MAXIMUM", maximum=True)
