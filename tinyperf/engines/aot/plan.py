"""Where everything lies in the arena, and the proof that nothing lies where it must not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, GraphError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tinyperf.engines.aot.graph import Graph

ALIGNMENT = 4  # words of four codes are what the kernels load


@dataclass(frozen=True)
class Storage:
    """Bytes that live from node `first` to node `last` (-1: before the first one).

    `value`: the first of the values that it holds; None: scratch.
    """

    value: int | None
    size_bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """Offsets in bytes: by value id, and of each node's scratch by its position. `in_place`: outputs over an input.

    `keeps_input`: the inputs are there after the inference as they were before it.
    """

    values: Mapping[int, int]
    scratch: Mapping[int, int]
    arena_bytes: int
    in_place: frozenset[int]
    keeps_input: bool
    storages: tuple[tuple[int, Storage], ...]

    @property
    def busiest_bytes(self) -> int:
        """What is in use at once at the busiest node; bytes of an output that runs over its input count once."""
        return max((self.used_bytes(first) for first in {storage.first for _, storage in self.storages}), default=0)

    def used_bytes(self, moment: int) -> int:
        """Bytes of the storages that live at a node, which `storages` has in order of their offsets."""
        used, end = 0, 0
        for offset, storage in self.storages:
            if storage.first <= moment <= storage.last:
                used += max(offset + storage.size_bytes - max(offset, end), 0)
                end = max(end, offset + storage.size_bytes)
        return used

    def verify(self, graph: Graph) -> None:
        """Raises: GraphError: two values that live together share bytes that they may not share."""
        defects = list(_overlaps(graph, self))
        if defects:
            raise GraphError(f"in the plan of the arena: {'; '.join(defects)}")


def lives_of(graph: Graph, *, keeps_input: bool) -> dict[int, tuple[int, int]]:
    """First and last node of every value in the arena, by position; -1 and the number of nodes: outside of them."""
    end = len(graph.nodes)
    first = dict.fromkeys((*graph.inputs, *(state.before for state in graph.states)), -1)
    first |= {i: position for position, node in enumerate(graph.nodes) for i in node.outputs}
    last = dict(first)
    for position, node in enumerate(graph.nodes):
        last |= dict.fromkeys(node.inputs, position)
    kept = graph.inputs if keeps_input else ()
    last |= dict.fromkeys((*kept, *graph.outputs, *(state.after for state in graph.states)), end)
    return {i: (first[i], last[i]) for i in first}


def _overlaps(graph: Graph, plan: Plan) -> Iterator[str]:
    """What stands where it must not: values by their own lives, none of the planner's groups."""
    lives = lives_of(graph, keeps_input=plan.keeps_input)
    for position, offset in plan.scratch.items():
        size = (graph.nodes[position].form or Form()).scratch_bytes
        for i, (first, last) in lives.items():
            if first <= position <= last and _meet((offset, size), _span(graph, plan, i)):
                yield f"scratch of {graph.nodes[position].name} lies over value {i}"
        if offset + size > plan.arena_bytes:
            yield f"scratch of {graph.nodes[position].name} ends outside the arena"
    contents = _contents(graph)
    ids = sorted(lives, key=lambda i: lives[i])
    for order, one in enumerate(ids):
        if plan.values[one] + graph.values[one].size_bytes > plan.arena_bytes or plan.values[one] < 0:
            yield f"value {one} ends outside the arena"
        for other in ids[order + 1 :]:
            if lives[other][0] > lives[one][1]:
                break
            if not _meet(_span(graph, plan, one), _span(graph, plan, other)):
                continue
            if _same(contents[one], plan.values[one], contents[other], plan.values[other]):
                continue
            if not _written_over(graph, plan, lives, one, other):
                yield f"values {one} and {other} live together and share bytes"


def _span(graph: Graph, plan: Plan, i: int) -> tuple[int, int]:
    return plan.values[i], graph.values[i].size_bytes


def _meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[0] + other[1] and other[0] < one[0] + one[1]


@dataclass(frozen=True)
class _Segment:
    """`size` bytes at `start` of a value are those at `origin_start` of the value `origin`, which was computed."""

    start: int
    size: int
    origin: int
    origin_start: int


def _contents(graph: Graph) -> dict[int, list[_Segment]]:
    """Which computed bytes each value is made of: its own, or, of parts and wholes, those of others."""
    contents: dict[int, list[_Segment]] = {}

    def of(i: int) -> list[_Segment]:
        return contents.setdefault(i, [_Segment(0, graph.values[i].size_bytes, i, 0)])

    for node in graph.nodes:
        for shared in (node.form or Form()).shared:
            out = node.outputs[shared.output]
            size = graph.values[out].size_bytes
            for segment in of(node.inputs[shared.input]):
                start = max(segment.start - shared.offset, 0)
                end = min(segment.start - shared.offset + segment.size, size)
                if start < end:
                    behind = start + shared.offset - segment.start
                    part = _Segment(start, end - start, segment.origin, segment.origin_start + behind)
                    contents.setdefault(out, []).append(part)
    return contents | {i: of(i) for i in graph.values}


def _same(one: list[_Segment], one_at: int, other: list[_Segment], other_at: int) -> bool:
    """Two values that start there hold the same computed bytes wherever they overlap."""
    for a in one:
        for b in other:
            at, over = one_at + a.start, other_at + b.start
            apart = at >= over + b.size or over >= at + a.size
            if not apart and (a.origin != b.origin or at - a.origin_start != over - b.origin_start):
                return False
    return True


def _written_over(graph: Graph, plan: Plan, lives: dict[int, tuple[int, int]], one: int, other: int) -> bool:
    """`other` is an output of the node at which `one` dies, and keeps the lead that the form demands."""
    position = lives[other][0]
    if position < 0 or lives[one][1] != position:
        return False
    node = graph.nodes[position]
    form = node.form or Form()
    leads = [form.lead_of(order) for order, i in enumerate(node.inputs) if i == one]
    if other not in node.outputs or len(leads) != 1 or leads[0] is None:
        return False
    ahead = plan.values[one] - plan.values[other]
    if form.exact:
        return ahead == leads[0]
    smaller = graph.values[other].size_bytes <= graph.values[one].size_bytes
    return ahead >= leads[0] and (leads[0] != 0 or smaller)
