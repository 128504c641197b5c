"""What only makes a variable's new value runs behind all that reads the same bytes.

It can then write over them: a row that is appended to some rows is made behind them, and all of them are moved up once,
when nobody reads them any more. Where the rows are moved up before the new one is made, they are moved first of all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.operators._strided import Strided
from tinyperf.engines.aot.operators.reshape import Alias

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Graph, Node


def defer(graph: Graph) -> Graph:
    """`graph` with such nodes as late, or as early, as need be."""
    news = {state.after for state in graph.states} - set(graph.outputs)
    nodes = _early(graph)
    for node in graph.nodes:
        if set(node.outputs) <= news and not any(graph.consumers.get(i) for i in node.outputs):
            last = last_reader(graph, node, nodes)
            nodes.remove(node)
            nodes.insert(last, node)
    return replace(graph, nodes=tuple(nodes))


def _early(graph: Graph) -> list[Node]:
    """The nodes, first those that cut from a variable's old value what is part of its new one."""
    early: list[Node] = []
    for state in graph.states:
        old, new = {state.before}, sharing(graph, state.after)
        for node in graph.nodes:
            if node.inputs and set(node.inputs) <= old:
                name = isinstance(node.work, Alias)
                old |= set(node.outputs) if name else set()
                early += [node] if name or (isinstance(node.work, Strided) and set(node.outputs) & new) else []
    return [*early, *(node for node in graph.nodes if not any(node is other for other in early))]


def last_reader(graph: Graph, node: Node, nodes: list[Node]) -> int:
    """The position of the last of `nodes` that reads what may share bytes with an input of `node`."""
    shared = {j for i in node.inputs for j in sharing(graph, i)}
    return max(position for position, other in enumerate(nodes) if shared & set(other.inputs))


def sharing(graph: Graph, i: int) -> set[int]:
    """Values that may share bytes with `i`: parts and wholes, and other names."""
    found = {i}
    waiting = [i]
    while waiting:
        at = waiting.pop()
        near = [graph.producers[at]] if at in graph.producers else []
        for node in (*near, *graph.consumers.get(at, ())):
            for shared in node.work.shared:
                pair = {node.inputs[shared.input], node.outputs[shared.output]}
                if at in pair and not pair <= found:
                    waiting += pair - found
                    found |= pair
    return found
