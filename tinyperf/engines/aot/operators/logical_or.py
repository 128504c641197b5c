"""LOGICAL_OR, with broadcasting."""

from __future__ import annotations

from tinyperf.engines.aot.operators._compare import joining

OPERATOR = joining("LOGICAL_OR", "||")
