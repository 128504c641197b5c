"""A .tflite model as a graph: every operator checked, then turned into work on integers.

What is known at compile time (the arithmetic that Keras does on shapes) is computed here and becomes a constant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import QUANTIZED, Graph, Node, Origin, Value
from tinyperf.engines.aot.operators import Use, all_operators
from tinyperf.engines.aot.operators._rules import COMMON, input_count, sentence
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Operator
    from tinyperf.tflite import Model, Op, Tensor


@dataclass(frozen=True)
class Reason:
    """Why one operator is not compiled: what was seen, and the rule that it breaks ("": there is no such operator)."""

    op: Op
    seen: str
    rule: str = ""


ACCELERATORS = {
    "CUSTOM ethos-u": "is code for an Arm Ethos-U NPU (the model as it was before Vela may run), not supported",
    "CUSTOM NeutronGraph": "is code for an NXP Neutron NPU (the model as it was before its converter may run), not "
    "supported",
}
"""Custom operators that hold a part of the model compiled for other hardware."""


def lower(model: Model) -> Graph:
    """`model` as a graph of works on integers.

    Raises: ModelError: it holds operators that are not supported, or not in this use; all of them are named.
    """
    tensors = {t.index: t for t in model.tensors}
    nodes: list[Node] = []
    reasons: list[Reason] = []
    for op in model.ops:
        operator = all_operators().get(op.kind)
        if operator is None:
            reasons.append(Reason(op, ACCELERATORS.get(op.kind, "is not supported")))
            continue
        use = Use(op, operator.arity, tuple(tensors.get(i) for i in op.inputs), tuple(tensors[i] for i in op.outputs))
        made = _lowered(use, operator)
        if isinstance(made, Node):
            nodes.append(made)
        elif isinstance(made, list):
            reasons += made
        else:
            tensors[made.index] = made
    if reasons:
        raise refusal(reasons)
    return _graph(model, tensors, tuple(nodes))


def _lowered(use: Use, operator: Operator) -> Node | Tensor | list[Reason]:
    """The node of a use, or its output as a constant, or why there is neither."""
    try:
        data = operator.fold(use) if operator.fold and not input_count(use) else None
    except (ValueError, IndexError, TypeError) as exc:
        return [Reason(use.op, f"cannot be folded: {exc}", "Shape arithmetic is folded at compile time.")]
    if data is not None:
        return replace(use.output, shape=data.shape, dtype=str(data.dtype), data=data)
    broken = _broken(use, operator)
    if broken or operator.lower is None:
        return broken
    inputs = tuple(t.index for t in use.data)
    origin = Origin(use.op.index, use.op.kind, operator.macs(use))
    outputs = tuple(t.index for t in use.outputs)
    return Node(operator.lower(use), inputs, outputs, (origin,), note=_bare(use) or operator.warn(use))


def _bare(use: Use) -> str:
    """A warning where codes have a scale and no zero point."""
    bare = [
        f"tensor {t.index} '{t.name}'"
        for t in (*use.inputs, *use.outputs)
        if t is not None and t.dtype == "int8" and t.quantization and not t.quantization.zero_point_given
    ]
    if not bare:
        return ""
    return (
        f"op {use.op.index} {use.op.kind}: {' and '.join(bare)} has a scale and no zero point; this code takes 0 for "
        "it, TFLM calls such a tensor not quantized and computes something else"
    )


def _broken(use: Use, operator: Operator) -> list[Reason]:
    """Every rule that `use` breaks; a rule that cannot be judged because an earlier one is broken is left out."""
    reasons: list[Reason] = []
    common = COMMON if operator.lower else (input_count,)
    for rule in (*common, *operator.rules):
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                seen = rule(use)
        except (ModelError, LookupError, ValueError, ArithmeticError, TypeError):
            if not reasons:
                raise
            continue
        if seen is not None:
            reasons.append(Reason(use.op, seen, sentence(rule)))
    return reasons


def refusal(reasons: list[Reason]) -> ModelError:
    """One error, a line for each reason: operators that are missing first; those that share a reason stand together."""
    groups: dict[tuple[str, str], list[Reason]] = {}
    for reason in sorted(reasons, key=lambda reason: bool(reason.rule)):
        groups.setdefault((reason.op.kind, reason.rule), []).append(reason)
    lines = [_line(group) for group in groups.values()]
    missing = sum(not rule for _, rule in groups)
    hints = []
    if missing:
        lines[missing - 1] += (
            f"; supported: {', '.join(sorted(all_operators()))}, "
            "QUANTIZE and DEQUANTIZE between float and int8 at the model's ends"
        )
        hints.append("leave the operators out of the model")
    if len(groups) > missing:
        hints.append("docs/supported_operators.md lists every rule; convert the model to full int8 where it is not")
    return ModelError("\n".join(lines), hint=f"{', '.join(hints)}, or try --engine tflm")


def _line(group: list[Reason]) -> str:
    first = group[0]
    others = ", ".join(str(reason.op.index) for reason in group[1:])
    also = f" (also op {others})" if others else ""
    if not first.rule:
        return f"op {first.op.index} {first.op.kind} {first.seen} by engine 'aot'{also}"
    return f"op {first.op.index} {first.op.kind}: {first.seen}; rule: {first.rule}{also}"


def _graph(model: Model, tensors: dict[int, Tensor], nodes: tuple[Node, ...]) -> Graph:
    for index in model.outputs:
        if tensors[index].data is not None:
            raise ModelError(f"model '{model.name}': its output is a constant", hint="export the model again")
    used = {*model.inputs, *model.outputs, *(i for node in nodes for i in (*node.inputs, *node.outputs))}
    values = {i: _value(tensors[i]) for i in sorted(used)}
    return Graph(model.name, values, nodes, model.inputs, model.outputs)


def _value(tensor: Tensor) -> Value:
    quantization, ends = tensor.quantization, None
    if tensor.dtype in QUANTIZED:
        info = np.iinfo(tensor.dtype)
        ends = int(info.min), int(info.max)
    return Value(
        tensor.index,
        tensor.name,
        tensor.shape,
        tensor.dtype,
        scale=quantization.scale[0] if quantization else None,
        zero_point=quantization.zero_point[0] if quantization else None,
        range=ends,
        data=tensor.data,
    )
