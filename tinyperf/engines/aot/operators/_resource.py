"""Rules of the operators that read and assign resource variables; the first input is the variable's handle."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use


def handle_is_known(use: Use) -> str | None:
    """The variable's handle comes from a VAR_HANDLE of the same subgraph."""
    handle = use.input(0)
    return None if use.variables.resource(handle) else f"tensor {handle.index} '{handle.name}' does not"


def resource_is_assigned(use: Use) -> str | None:
    """A variable that is read is assigned somewhere: TFLM gives it memory there."""
    resource = use.variables.resource(use.input(0))
    return f"'{resource.name}' is not" if resource is not None and resource.tensor is None else None


def value_fits(use: Use) -> str | None:
    """All values that a variable is given, or read as, have one type and one size."""
    resource = use.variables.resource(use.input(0))
    value = use.input(1) if use.op.kind == "ASSIGN_VARIABLE" else use.output
    first = resource.tensor if resource is not None else None
    if first is None or (first.dtype == value.dtype and first.elements == value.elements):
        return None
    return f"{value.dtype} {list(value.shape)}, the first one assigned is {first.dtype} {list(first.shape)}"
