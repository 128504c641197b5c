"""Another order of the nodes, where less lives at once in it.

The order of a file is one of many that respect who reads what. A search walks through the sets of nodes that may have
run so far, the most promising ones only, by what lives then; the plan of the arena has the last word.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.passes._together import Together
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Graph

WIDTH = 12
"""Sets of nodes that are followed at once."""


def order(graph: Graph, _target: Target) -> Graph:
    """`graph` with its nodes in an order of a smaller arena, kept and consumed input alike; else as it is."""
    needs = _needs(graph)
    if all(needs[position] & (1 << (position - 1)) for position in range(1, len(needs))):
        return graph  # every node waits for the one before it
    memory = _Memory(graph)
    found = _search(memory, needs)
    if found.peak >= memory.peak(range(len(graph.nodes))):
        return graph
    return _smaller(graph, replace(graph, nodes=tuple(graph.nodes[i] for i in found.order)))


def _smaller(one: Graph, other: Graph) -> Graph:
    """`other` where its arena is smaller in one form, and no larger in the other; else `one`."""
    arenas = [tuple(place(g, keeps_input=kept).arena_bytes for kept in (True, False)) for g in (one, other)]
    better = arenas[0] != arenas[1] and all(new <= old for old, new in zip(*arenas, strict=True))
    return other if better else one


def _needs(graph: Graph) -> list[int]:
    """For each node, the nodes that must run before it, as bits by position.

    Those that make what it reads; and where it touches a variable's bytes, whoever touches them before it.
    """
    maker = {i: position for position, node in enumerate(graph.nodes) for i in node.outputs}
    needs = [_bits(maker[i] for i in node.inputs if i in maker) for node in graph.nodes]
    together = Together(graph)
    for state in graph.states:
        bytes_ = together.with_value(state.before) | together.with_value(state.after)
        touching = [p for p, node in enumerate(graph.nodes) if bytes_ & {*node.inputs, *node.outputs}]
        for before, position in itertools.pairwise(touching):
            needs[position] |= 1 << before
    return needs


def _bits(positions: Iterable[int]) -> int:
    return reduce(or_, (1 << position for position in positions), 0)


@dataclass(frozen=True)
class _Run:
    """Nodes that have run, in their order and as bits; bytes that live then; the most that ever lived."""

    peak: int
    live: int
    done: int
    order: tuple[int, ...]


class _Memory:
    """What each node adds and ends, in bytes; values that share bytes by their forms are one storage.

    Inputs stay, as in the firmware.
    """

    def __init__(self, graph: Graph) -> None:
        self._nodes, together = graph.nodes, Together(graph)
        self._storage = {i: min(together.with_value(i)) for i, v in graph.values.items() if v.data is None}
        ends = {i: together.behind(s, i) for i, s in self._storage.items()}
        self._size = {
            s: max(ends[i] + graph.values[i].size_bytes for i in ends if self._storage[i] == s)
            - min(ends[i] for i in ends if self._storage[i] == s)
            for s in set(self._storage.values())
        }
        self._makers, self._readers = dict.fromkeys(self._size, 0), dict.fromkeys(self._size, 0)
        for position, node in enumerate(graph.nodes):
            for i in node.outputs:
                self._makers[self._storage[i]] |= 1 << position
            for i in node.inputs:
                if i in self._storage:
                    self._readers[self._storage[i]] |= 1 << position
        states = (i for state in graph.states for i in (state.before, state.after))
        self._there = {self._storage[i] for i in (*graph.inputs, *states)}
        self._kept = {self._storage[i] for i in (*graph.inputs, *graph.outputs) if i in self._storage}
        self._kept |= {self._storage[i] for state in graph.states for i in (state.before, state.after)}

    def start(self) -> _Run:
        live = sum(self._size[s] for s in self._there)
        return _Run(live, live, 0, ())

    def after(self, run: _Run, position: int) -> _Run:
        """`run` with one node more."""
        node, done = self._nodes[position], run.done | 1 << position
        made = {self._storage[i] for i in node.outputs}
        born = {s for s in made if not self._makers[s] & run.done and s not in self._there}
        read = {self._storage[i] for i in node.inputs if i in self._storage}
        dead = {s for s in made | read if s not in self._kept and not (self._readers[s] | self._makers[s]) & ~done}
        live = run.live + sum(self._size[s] for s in born)
        form = node.form or Form()
        during = live + form.scratch_bytes - max(self._shared(position, born, dead), default=0)
        return _Run(max(run.peak, during), live - sum(self._size[s] for s in dead), done, (*run.order, position))

    def _shared(self, position: int, born: set[int], dead: set[int]) -> Iterator[int]:
        """Bytes that the only output may share with each input, which it runs ahead of."""
        node = self._nodes[position]
        if len(node.outputs) != 1 or self._storage[node.outputs[0]] not in born:
            return
        made = self._size[self._storage[node.outputs[0]]]
        for order_, i in enumerate(node.inputs):
            lead = (node.form or Form()).lead_of(order_)
            if lead is not None and i in self._storage and self._storage[i] in dead:
                given = self._size[self._storage[i]]
                yield max(made + given - max(made, given + max(lead, 0)), 0)

    def peak(self, positions: Iterable[int]) -> int:
        run = self.start()
        for position in positions:
            run = self.after(run, position)
        return run.peak


def _search(memory: _Memory, needs: list[int]) -> _Run:
    """The least peak found; of runs of the same nodes only the best one is followed."""
    runs = [memory.start()]
    for _ in needs:
        found: dict[int, _Run] = {}
        for run in runs:
            for position, before in enumerate(needs):
                if run.done >> position & 1 or before & ~run.done:
                    continue
                longer = memory.after(run, position)
                known = found.get(longer.done)
                if known is None or (longer.peak, longer.live) < (known.peak, known.live):
                    found[longer.done] = longer
        runs = sorted(found.values(), key=lambda run: (run.peak, run.live))[:WIDTH]
    return runs[0]
