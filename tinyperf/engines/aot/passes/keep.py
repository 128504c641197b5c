"""Every variable gets its new value in its own bytes, and a copy where it cannot be made there.

It cannot while the old value is still read, where the new one is a constant, an input or another variable, or where
its bytes are part of something that is. Such a value is made elsewhere, and copied behind the last node. An output
that is a variable's old value is copied too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, Node
from tinyperf.engines.aot.operators.assign_variable import Copy
from tinyperf.engines.aot.passes._together import Together
from tinyperf.engines.aot.passes.choose import cheapest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Graph, Origin, State


def keep(graph: Graph, target: Target) -> Graph:
    """`graph`, whose nodes have their forms, with the copies that its states need."""
    graph = _with_outputs_apart(graph, target)
    copied: set[int] = set()
    while True:
        made = _with_copies(graph, copied, target)
        together = Together(made)
        late = {k for k, s in enumerate(made.states) if k not in copied and not _made_in_place(made, together, s)}
        if not late:
            return made
        copied |= late


def _made_in_place(graph: Graph, together: Together, state: State) -> bool:
    """The new value may be made where the old one is."""
    if state.before == state.after:
        return True
    old, new = together.with_value(state.before), together.with_value(state.after)
    taken = {*graph.inputs, *(other.before for other in graph.states)}
    taken |= {other.after for other in graph.states if other is not state}
    taken |= {i for i, value in graph.values.items() if value.data is not None}
    if new & taken:
        return False
    readers = [position for position, node in enumerate(graph.nodes) if old & set(node.inputs)]
    writers = [position for position, node in enumerate(graph.nodes) if new & set(node.outputs)]
    last, first = max(readers, default=-1), min(writers)
    if last > first:
        return False
    return last < first or _written_over(graph.nodes[first], graph, together, state)


def _written_over(node: Node, graph: Graph, together: Together, state: State) -> bool:
    """`node`, the last to read the old value, writes the new one as far ahead as its form demands."""
    old, new = together.with_value(state.before), together.with_value(state.after)
    form, read = node.form or Form(), [i for i in node.inputs if i in old]
    if len(read) != 1:
        return False
    lead = form.lead_of(node.inputs.index(read[0]))
    made = [i for i in node.outputs if i in new]
    ahead = together.behind(state.before, read[0]) - together.behind(state.after, made[0])
    if lead is None or len(made) != 1:
        return False
    same = ahead == 0 and graph.values[made[0]].size_bytes == graph.values[read[0]].size_bytes
    return same if lead == 0 else ahead >= lead


def _with_outputs_apart(graph: Graph, target: Target) -> Graph:
    """`graph` with a copy of every output that shares bytes with a variable's old value."""
    together = Together(graph)
    changed = [state for state in graph.states if state.before != state.after]
    copies = _Copies(graph, target)
    outputs = list(graph.outputs)
    for state in changed:
        for position, i in enumerate(outputs):
            if i in together.with_value(state.before):
                outputs[position] = copies.add(i, i, state.origin)
    return replace(copies.graph(), outputs=tuple(outputs))


def _with_copies(graph: Graph, copied: Iterable[int], target: Target) -> Graph:
    """`graph` with a copy behind the last node for each of the states `copied`, by their numbers.

    One that holds what another held goes by a detour, so that no copy reads what another one has written over.
    """
    together = Together(graph)
    olds = {i for state in graph.states for i in together.with_value(state.before)}
    copies, states = _Copies(graph, target), list(graph.states)
    sources = {k: states[k].after for k in sorted(copied)}
    for k, source in sources.items():
        if source in olds:
            sources[k] = copies.add(source, states[k].before, states[k].origin)
    for k, source in sources.items():
        states[k] = replace(states[k], after=copies.add(source, states[k].before, states[k].origin))
    return replace(copies.graph(), states=tuple(states))


class _Copies:
    """Copies behind the last node of a graph."""

    def __init__(self, graph: Graph, target: Target) -> None:
        self._graph, self._target = graph, target
        self._values, self._nodes = dict(graph.values), list(graph.nodes)

    def graph(self) -> Graph:
        return replace(self._graph, values=self._values, nodes=tuple(self._nodes))

    def add(self, source: int, like: int, origin: tuple[Origin, ...]) -> int:
        """A new value like `like`: a copy of `source`."""
        value, made = self._values[like], max(self._values) + 1
        self._values[made] = replace(value, id=made)
        node = Node(Copy(value.elements, value.dtype), (source,), (made,), origin)
        self._nodes.append(replace(node, form=cheapest(node, self._target.core)))
        return made
