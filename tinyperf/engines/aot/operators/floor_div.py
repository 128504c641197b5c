"""FLOOR_DIV, with broadcasting."""

from __future__ import annotations

from tinyperf.engines.aot.operators._floor_pair import of_quotients

OPERATOR = of_quotients("FLOOR_DIV", "floor_div")
