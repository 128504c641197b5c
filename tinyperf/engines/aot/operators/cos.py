"""COS."""

from __future__ import annotations

from tinyperf.engines.aot.operators import Arity, Operator
from tinyperf.engines.aot.operators._float_map import mapped
from tinyperf.engines.aot.operators._rules import same_elements

OPERATOR = Operator(kind="COS", arity=Arity(1, 1), rules=(same_elements,), types=(mapped("cos", ulps=1),))
