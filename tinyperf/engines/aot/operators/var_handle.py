"""VAR_HANDLE: the name of a resource variable. Nothing is left of it in the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import Arity, Operator

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use


def effect(_: Use) -> None:
    """Every handle of the file is known from the start."""


OPERATOR = Operator(kind="VAR_HANDLE", arity=Arity(0, 0), rules=(), effect=effect)
