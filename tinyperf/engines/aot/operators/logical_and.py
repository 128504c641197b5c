"""LOGICAL_AND, with broadcasting."""

from __future__ import annotations

from tinyperf.engines.aot.operators._compare import joining

OPERATOR = joining("LOGICAL_AND", "&&")
