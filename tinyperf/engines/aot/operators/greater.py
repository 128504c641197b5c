"""GREATER, with broadcasting."""

from __future__ import annotations

from tinyperf.engines.aot.operators._compare import comparing

OPERATOR = comparing("GREATER", ">")
