"""Where RAM counts most: parts of a graph that are done row by row, so that no image between them is ever whole.

Tensor by tensor an arena has a lower bound: the node that wants the most bytes with the kernel that wants the fewest.
Where such a node is done together with its neighbours, what lies between is but some rows of scratch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.passes._path import Sizes, can_lie, fitting_forms
from tinyperf.engines.aot.passes.choose import FINEST, SLOWEST, arena_bytes, choose_by, space_of
from tinyperf.engines.aot.rows import ByRows, goes_by_rows, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.cores import Core
    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Form, Graph, Node

MOST_WORKS = 4
"""That are done together: an inverted residual has an expansion, a depthwise layer, a projection and an ADD."""

MOST_TIMES = 6
"""So many parts of a graph: planning takes time."""


def by_rows(graph: Graph, target: Target) -> Graph:
    """`graph` with such parts where its arena then is a good deal smaller, at not many more cycles; else as it is."""
    if target.optimize != "ram" or any(isinstance(node.work, ByRows) for node in graph.nodes):
        return graph
    others = list(_others(graph, target.core))
    if not others:
        return graph
    target = replace(target, plan="")
    plain = choose_by(space_of(graph, target.core), target, {})
    enough = arena_bytes(plain) - arena_bytes(plain) // FINEST - 1
    for other in reversed(others):
        made = choose_by(space_of(other, target.core), target, {})
        if arena_bytes(made) <= enough and _cycles(made) <= SLOWEST * _cycles(plain):
            return other
    return graph


def _cycles(graph: Graph) -> float:
    return sum(node.form.cycles for node in graph.nodes if node.form)


def _others(graph: Graph, core: Core) -> Iterator[Graph]:
    """`graph` with one part more each time, as long as the bytes that its nodes want get fewer, the most first."""
    needs = _Needs(core)
    need = needs.of(graph)
    for _ in range(MOST_TIMES):
        busiest = need.index(max(need))
        tried = [(needs.of(other), count, other) for count, other in _joined_around(graph, busiest)]
        if not tried:
            return
        best, _, graph = min(tried, key=lambda one: (max(one[0]), one[1], sorted(one[0], reverse=True)))
        if sorted(best, reverse=True) >= sorted(need, reverse=True):
            return
        need = best
        yield graph


class _Needs:
    """The fewest bytes that each node of a graph wants at once; forms are found once for each node."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._forms: dict[Node, list[Form]] = {}

    def of(self, graph: Graph) -> list[int]:
        sizes = Sizes(graph, self._core)
        return [self._least(graph, sizes, position) for position in range(len(graph.nodes))]

    def _least(self, graph: Graph, sizes: Sizes, position: int) -> int:
        node = graph.nodes[position]
        if node.work.shared:
            return 0
        if node not in self._forms:
            self._forms[node] = [form for form in fitting_forms(node, self._core)[0] if can_lie(graph, node, form)]
        return sizes.least(position, self._forms[node])


def _joined_around(graph: Graph, position: int) -> Iterator[tuple[int, Graph]]:
    """`graph` with the node at `position` and some neighbours as one, in every way; and how many these are."""
    ends = {*graph.outputs, *(i for state in graph.states for i in (state.before, state.after))}
    able = {n for n, node in enumerate(graph.nodes) if goes_by_rows(node, graph.values) and not ends & set(node.inputs)}
    for last in sorted(able):
        if last >= position:
            for part in _parts(graph, last, able, ends):
                if position in part:
                    whole = joined([graph.nodes[n] for n in sorted(part)], graph)
                    rest = (n for n in range(len(graph.nodes)) if n == last or n not in part)
                    nodes = tuple(whole if n == last else graph.nodes[n] for n in rest)
                    yield len(part), replace(graph, nodes=nodes)


def _parts(graph: Graph, last: int, able: set[int], ends: set[int]) -> set[frozenset[int]]:
    """Nodes, `last` and some before it, of which nobody else reads what they make but what `last` does."""
    maker = {i: n for n, node in enumerate(graph.nodes) for i in node.outputs}
    readers: dict[int, set[int]] = {}
    for n, node in enumerate(graph.nodes):
        for i in node.inputs:
            readers.setdefault(i, set()).add(n)
    found: set[frozenset[int]] = set()
    growing = [frozenset({last})]
    while growing:
        part = growing.pop()
        for i in (i for n in part for i in graph.nodes[n].inputs if i in maker):
            longer = part | {maker[i]}
            inside = maker[i] in able and i not in ends and readers[i] <= part
            if inside and longer != part and longer not in found and len(longer) <= MOST_WORKS:
                found.add(longer)
                growing.append(longer)
    return found
