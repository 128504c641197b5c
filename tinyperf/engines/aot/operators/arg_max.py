"""ARG_MAX."""

from __future__ import annotations

from tinyperf.engines.aot.operators._arg_extreme import finding

OPERATOR = finding("ARG_MAX", maximum=True)
