"""What is known at compile time is computed at compile time, and what nobody reads is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Graph, Node, Value


def fold(graph: Graph) -> Graph:
    """`graph` without the nodes that work on constants alone, and without those whose results nobody reads."""
    values = dict(graph.values)
    nodes: list[Node] = []
    ends = {*graph.outputs, *(state.after for state in graph.states)}
    for node in graph.nodes:
        data = [values[i].data for i in node.inputs]
        if any(d is None for d in data) or ends & set(node.outputs):
            nodes.append(node)
        else:
            values |= _constants(node, values)
    return _read(replace(graph, values=values, nodes=tuple(nodes)))


def _constants(node: Node, values: dict[int, Value]) -> dict[int, Value]:
    """The outputs of a node whose inputs are constants."""
    operands = zip(node.inputs, node.work.signature.inputs, strict=True)
    inputs = [data.reshape(1, *o.shape) for i, o in operands if (data := values[i].data) is not None]
    made = zip(node.outputs, node.work.interpret(*inputs), strict=True)
    return {i: replace(values[i], data=data.reshape(values[i].shape).astype(values[i].dtype)) for i, data in made}


def _read(graph: Graph) -> Graph:
    """`graph` without nodes and constants that no output depends on."""
    wanted = {*graph.inputs, *graph.outputs, *(i for state in graph.states for i in (state.before, state.after))}
    nodes: list[Node] = []
    for node in reversed(graph.nodes):
        if wanted & set(node.outputs):
            nodes.append(node)
            wanted |= {*node.inputs, *node.outputs}
    return replace(graph, values={i: v for i, v in graph.values.items() if i in wanted}, nodes=tuple(reversed(nodes)))
