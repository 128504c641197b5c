"""AVERAGE_POOL_2D."""

from __future__ import annotations

from tinyperf.engines.aot.operators._pool import pooling

OPERATOR = pooling("AVERAGE_POOL_2D", maximum=False)
