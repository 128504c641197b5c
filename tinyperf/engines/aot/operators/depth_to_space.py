"""DEPTH_TO_SPACE."""

from __future__ import annotations

from tinyperf.engines.aot.operators._depth import rearranging

OPERATOR = rearranging("DEPTH_TO_SPACE", deepen=False)
