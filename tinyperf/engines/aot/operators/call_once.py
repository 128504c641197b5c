"""CALL_ONCE: a subgraph that gives resource variables what they hold before the first inference.

It is carried out at compile time. As in TFLM a reset does not call it again: variables then hold their zero points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import Arity, Operator
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use


def comes_first(use: Use) -> str | None:
    """It stands before every operator that reads or assigns a resource variable."""
    return "variables were read or assigned before" if use.variables.used else None


def subgraph_is_known(use: Use) -> str | None:
    """The subgraph has neither inputs nor outputs, and operators that are compiled: it is computed at compile time."""
    try:
        use.variables.initial(use.number("init_subgraph_index"))
    except ModelError as error:
        return f"of subgraph {use.number('init_subgraph_index')}: {'; '.join(error.seen.splitlines())}"
    return None


def effect(use: Use) -> None:
    for resource, data in use.variables.initial(use.number("init_subgraph_index")):
        resource.start = data


OPERATOR = Operator(
    kind="CALL_ONCE",
    arity=Arity(0, 0, outputs=0),
    rules=(comes_first, subgraph_is_known),
    effect=effect,
)
