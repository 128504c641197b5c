"""REDUCE_MIN."""

from __future__ import annotations

from tinyperf.engines.aot.operators._reduce_extreme import reducing

OPERATOR = reducing("REDUCE_MIN", maximum=False)
