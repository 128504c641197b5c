"""REDUCE_MAX."""

from __future__ import annotations

from tinyperf.engines.aot.operators._reduce_extreme import reducing

OPERATOR = reducing("REDUCE_MAX", maximum=True)
