"""READ_VARIABLE: the value that a resource variable holds at this point, under another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Node, Origin
from tinyperf.engines.aot.operators import Arity, Operator
from tinyperf.engines.aot.operators._resource import handle_is_known, resource_is_assigned, value_fits
from tinyperf.engines.aot.operators.reshape import Alias

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use


def effect(use: Use) -> Node:
    now = use.variables.read(use.input(0))
    return Node(
        Alias(use.output.elements, use.output.dtype), (now,), (use.output.index,), (Origin(use.op.index, use.op.kind),)
    )


OPERATOR = Operator(
    kind="READ_VARIABLE",
    arity=Arity(1, 1),
    rules=(handle_is_known, resource_is_assigned, value_fits),
    effect=effect,
)
