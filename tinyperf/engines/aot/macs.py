"""Multiply-accumulates of a model, counted by the operators' own formulas, whether it can be compiled or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators import Use, all_operators
from tinyperf.engines.aot.operators._variables import Resources, Variables

if TYPE_CHECKING:
    from tinyperf.tflite import Model, Op


def macs(model: Model) -> dict[int, int | None]:
    """Per operator's index; None where the operator, or what it would need to be counted, is not known."""
    variables = Variables(0, {}, Resources(model), lambda _: ())
    return {op.index: _macs(model, op, variables) for op in model.ops}


def _macs(model: Model, op: Op, variables: Variables) -> int | None:
    operator = all_operators().get(op.kind)
    if operator is None:
        return None
    inputs = tuple(model.tensors[i] if i >= 0 else None for i in op.inputs)
    use = Use(op, operator.arity, inputs, tuple(model.tensors[i] for i in op.outputs), variables)
    try:
        count = operator.macs(use)
    except (LookupError, ValueError, ArithmeticError, TypeError, AttributeError):  # absent weights, open shapes
        return None
    return count if count >= 0 else None
