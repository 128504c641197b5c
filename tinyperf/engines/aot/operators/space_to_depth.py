"""SPACE_TO_DEPTH."""

from __future__ import annotations

from tinyperf.engines.aot.operators._depth import rearranging

OPERATOR = rearranging("SPACE_TO_DEPTH", deepen=True)
