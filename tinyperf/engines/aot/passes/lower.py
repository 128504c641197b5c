"""A .tflite model as a graph: every operator checked, then turned into work on integers.

What is known at compile time (the arithmetic that Keras does on shapes) is computed here and becomes a constant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines import ends
from tinyperf.engines.aot.graph import QUANTIZED, Graph, Node, Origin, Value
from tinyperf.engines.aot.interpret import left
from tinyperf.engines.aot.operators import Use, all_operators
from tinyperf.engines.aot.operators._images import of_images
from tinyperf.engines.aot.operators._missing import why_missing
from tinyperf.engines.aot.operators._rules import COMMON, codes_have_scales, input_count, sentence, types_are_known
from tinyperf.engines.aot.operators._variables import Resources, Variables
from tinyperf.engines.tflm import ops as tflm
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tinyperf.engines.aot.graph import Data, Work
    from tinyperf.engines.aot.operators import Operator, Rule
    from tinyperf.engines.aot.operators._variables import Resource
    from tinyperf.tflite import Model, Op, Tensor


@dataclass(frozen=True)
class Reason:
    """Why one operator is not compiled: what was seen, and the rule that it breaks.

    rule: empty where there is no such operator; then `seen` says why.
    """

    op: Op
    seen: str
    rule: str = ""


def lower(model: Model) -> Graph:
    """`model` as a graph of works.

    Raises: ModelError: its ends are not those of a firmware, or it holds operators that are not supported, or not in
        this use; all of it is named.
    """
    at_ends = ends.reasons(model)
    lowered = _operators(model, 0, Resources(model), at_ends)
    if at_ends or lowered.reasons:
        raise refusal(model, at_ends, lowered.reasons)
    return _graph(model, lowered)


WHOLE = "Every input is constant, an input of the model, a variable, or made before."


@dataclass(frozen=True)
class _Lowered:
    """The operators of a subgraph; `tensors` by index, also of the values that variables take."""

    nodes: tuple[Node, ...]
    tensors: dict[int, Tensor]
    variables: Variables
    reasons: list[Reason]


def _operators(model: Model, number: int, resources: Resources, at_ends: Mapping[str, str]) -> _Lowered:
    """Subgraph `number`, which is `model`."""
    tensors = {t.index: t for t in model.tensors}
    variables = Variables(number, tensors, resources, partial(_initial, model, resources))
    unknown = {t.index for t in model.tensors if t.data is None and min(t.shape, default=1) < 1} if at_ends else set()
    there = {-1, *model.inputs, *(t.index for t in model.tensors if t.data is not None or t.variable)}
    nodes: list[Node] = []
    reasons: list[Reason] = []
    for op in model.ops:
        made_by_nobody = sorted({*op.inputs} - there)
        there |= {*op.outputs}
        operator = all_operators().get(op.kind)
        if operator is None:
            reasons.append(Reason(op, why_missing(op.kind)))
            continue
        if made_by_nobody:  # the reader lets custom operators have such: an accelerator's scratch memory is one
            reasons.append(Reason(op, f"tensor {made_by_nobody[0]} is made by no earlier operator", WHOLE))
            continue
        if unknown & {*op.inputs, *op.outputs}:  # nothing can be said of an operator before its shapes are fixed
            unknown |= {*op.outputs}
            continue
        inputs, outputs = tuple(tensors.get(i) for i in op.inputs), tuple(tensors[i] for i in op.outputs)
        use = Use(op, operator.arity, inputs, outputs, variables)
        made = _judged(use, operator) if at_ends else _lowered(use, operator)
        if isinstance(made, Node):
            nodes.append(made)
        elif isinstance(made, list):
            reasons += made
        else:
            tensors[made.index] = made
    return _Lowered(tuple(nodes), tensors, variables, reasons)


def _initial(model: Model, resources: Resources, number: int) -> tuple[tuple[Resource, Data], ...]:
    """What subgraph `number`, called once by one of `model`, leaves in the resources that it assigns.

    Raises: ModelError: it takes or gives something, or its operators are not supported.
    """
    called = model.called.get(number)
    if called is None:
        raise ModelError("it calls itself", hint="convert the model again")
    if called.inputs or called.outputs:
        ends_of = f"{len(called.inputs)} inputs and {len(called.outputs)} outputs"
        raise ModelError(f"it has {ends_of}", hint="convert the model again")
    rest = {key: graph for key, graph in model.called.items() if key != number}
    lowered = _operators(replace(called, called=rest), number, resources, {})
    if lowered.reasons:
        raise refusal(called, {}, lowered.reasons)
    graph = _graph(called, lowered)
    graph.verify("lower")
    by_value = dict(zip((state.before for state in graph.states), left(graph), strict=True))
    return tuple((resource, by_value[state.before]) for resource, state in lowered.variables.resources())


def _judged(use: Use, operator: Operator) -> Tensor | list[Reason]:
    """As `_lowered` for a model that is refused already: the rules are asked, no work is made."""
    try:
        made = _folded(use, operator)
        return _broken(use, operator) if made is None else made
    except (LookupError, ValueError, ArithmeticError, TypeError):
        return []  # a rule that takes for granted what the ends lack: their line says it


def _lowered(use: Use, operator: Operator) -> Node | Tensor | list[Reason]:
    """The node of a use, or its output as a constant, or why there is neither."""
    made = _folded(use, operator)
    if made is not None:
        return made
    broken = _broken(use, operator)
    if not broken and operator.effect is not None:
        return operator.effect(use) or []
    typed = operator.typed(use)
    make = (typed and typed.lower) or operator.lower
    if broken or make is None:
        return broken
    inputs = tuple(t.index for t in use.data)
    origin = Origin(use.op.index, use.op.kind, operator.macs(use))
    outputs = tuple(t.index for t in use.outputs)
    work = of_images(use, make) if operator.each_image else make(use)
    known = _computed(use, work)
    if known is not None:
        return known
    node = Node(work, inputs, outputs, (origin,), note=_bare(use) or operator.warn(use))
    return use.variables.bound(node, use.written)


def _computed(use: Use, work: Work) -> Tensor | None:
    """What arithmetic on constant int32 and int64 gives: they stand for shapes and indices, which rules ask for."""
    data = [tensor.data for tensor in use.data if tensor.data is not None]
    alone = data and len(data) == len(use.data) and len(use.outputs) == 1 and not use.written
    if not alone or use.output.dtype not in {"int32", "int64"}:
        return None
    operands = zip(data, work.signature.inputs, strict=True)
    (made,) = work.interpret(*(numbers.reshape(1, *operand.shape) for numbers, operand in operands))
    return replace(use.output, data=made.reshape(use.output.shape).astype(use.output.dtype))


def _folded(use: Use, operator: Operator) -> Tensor | list[Reason] | None:
    """The output of a use as a constant; None where it is none."""
    try:
        data = operator.fold(use) if operator.fold and not input_count(use) else None
    except (ValueError, IndexError, TypeError) as exc:
        return [Reason(use.op, f"cannot be folded: {exc}", "Shape arithmetic is folded at compile time.")]
    return None if data is None else replace(use.output, shape=data.shape, dtype=str(data.dtype), data=data)


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
    for rule in _rules(use, operator):
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                seen = rule(use)
        except ModelError as error:
            seen = None if reasons else error.seen.removeprefix(f"op {use.op.index} {use.op.kind}: ")
        except (LookupError, ValueError, ArithmeticError, TypeError):
            if not reasons:
                raise
            continue
        if seen is not None:
            reasons.append(Reason(use.op, seen, sentence(rule)))
    return reasons


def _rules(use: Use, operator: Operator) -> Iterator[Rule]:
    """What holds for every operator, what its types demand, then its own rules."""
    if not operator.compiled:  # it exists at compile time only, where any type will do
        yield from (input_count, *operator.rules)
        return
    yield from COMMON
    typed = operator.typed(use)
    if typed is None:
        yield partial(types_are_known, types=operator.types)
        return
    if typed.scales:
        yield codes_have_scales
    yield from (*operator.rules, *typed.rules)


def refusal(model: Model, at_ends: Mapping[str, str], reasons: list[Reason]) -> ModelError:
    """One error. A line of the ends, and one for each reason: missing operators first, equal reasons together."""
    groups: dict[tuple[str, str], list[Reason]] = {}
    for reason in sorted(reasons, key=lambda reason: bool(reason.rule)):
        groups.setdefault((reason.op.kind, reason.rule), []).append(reason)
    lines = [_line(group) for group in groups.values()]
    missing = sum(not rule for _, rule in groups)
    hints = []
    if missing:
        hints.append("docs/supported_operators.md lists the operators there are, and what to do instead of others")
    if len(groups) > missing:
        hints.append("docs/supported_operators.md lists every rule; convert the model to full int8 where it is not")
    if not at_ends and not tflm.missing(model):  # engine 'tflm' takes the same ends
        hints.append("or try --engine tflm")
    return ends.refusal(model, at_ends, lines, hints=[", ".join(hints)] if hints else [])


def _line(group: list[Reason]) -> str:
    first = group[0]
    others = ", ".join(str(reason.op.index) for reason in group[1:])
    also = f" (also op {others})" if others else ""
    if not first.rule:
        return f"op {first.op.index} {first.op.kind} is not supported by engine 'aot'{also}: {first.seen}"
    return f"op {first.op.index} {first.op.kind}: {first.seen}; rule: {first.rule}{also}"


def _graph(model: Model, lowered: _Lowered) -> Graph:
    variables, nodes = lowered.variables, lowered.nodes
    outputs = tuple(variables.now(i) for i in model.outputs)
    states = variables.states()
    used = {*model.inputs, *outputs, *(i for node in nodes for i in (*node.inputs, *node.outputs))}
    used.update(i for state in states for i in (state.before, state.after))
    values = {i: _value(lowered.tensors[i]) for i in sorted(used)}
    return Graph(model.name, values, nodes, model.inputs, outputs, states)


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
