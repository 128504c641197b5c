"""One block of RAM, a place in it for every value and every scratch buffer, in bytes, decided once.

Values that share bytes (a RESHAPE and its input, parts of a whole, a layer that computes in place) form one storage.
It lives from the node that writes it first to the node that reads it last, outputs of the model to the end, states
always. The model's inputs live through the whole inference where they are to be kept: the firmware's `infer N` must
return what `infer 1` returns; a library may let its caller fill them anew. An output may also lie over an input that
dies, as far ahead of it as the form's `lead` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, GraphError, size_of
from tinyperf.engines.aot.packing import Over, pack
from tinyperf.engines.aot.plan import ALIGNMENT, Plan, Storage, lives_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.engines.aot.graph import Graph

ARENA_ALIGNMENT = 16


def place(graph: Graph, *, keeps_input: bool = True) -> Plan:
    """A place for every activation, state and scratch buffer of a graph whose nodes have their forms."""
    plan = supposed(graph, keeps_input=keeps_input)
    plan.verify(graph)
    return plan


def supposed(graph: Graph, *, keeps_input: bool = True) -> Plan:
    """`place` of a graph that lacks the copies of its states yet: its bytes say about what they will be, no more."""
    lives = lives_of(graph, keeps_input=keeps_input)
    groups = _Groups(graph, lives)
    in_place = groups.merge()
    roots = sorted(groups.roots(), key=lambda root: groups.members[root][0])
    tensors = [groups.storage(root) for root in roots]
    forms = [node.form or Form() for node in graph.nodes]
    busy = [position for position, form in enumerate(forms) if form.scratch_bytes]
    scratch = [Storage(None, forms[p].scratch_bytes, p, p) for p in busy]
    storages = (*tensors, *scratch)
    alignment = max(ALIGNMENT, *(size_of(graph.values[i].dtype) for i in groups.root))
    packed = pack(storages, tuple(groups.over(roots)), alignment)
    offsets = packed.offsets
    start = dict(zip(roots, offsets[: len(roots)], strict=True))
    return Plan(
        values={i: start[groups.root[i]] + groups.inside[i] for i in groups.root},
        scratch=dict(zip(busy, offsets[len(roots) :], strict=True)),
        arena_bytes=-(-packed.bytes // ARENA_ALIGNMENT) * ARENA_ALIGNMENT,
        in_place=frozenset(in_place),
        keeps_input=keeps_input,
        storages=tuple(sorted(zip(offsets, storages, strict=True), key=lambda s: (s[0], s[1].first))),
    )


class _Groups:
    """Which values share bytes: each value lies `inside` bytes behind the start of its group."""

    def __init__(self, graph: Graph, lives: dict[int, tuple[int, int]]) -> None:
        self.graph, self.lives = graph, lives
        self.root = {i: i for i in lives}
        self.inside = dict.fromkeys(lives, 0)
        self.members = {i: [i] for i in lives}

    def roots(self) -> list[int]:
        return sorted(set(self.root.values()))

    def merge(self) -> list[int]:
        """Join what must share bytes, then what may; the nodes that write over their input."""
        for state in self.graph.states:
            if state.after in self.root:  # a constant is not: its copy is yet to come (`supposed`)
                self._join(state.before, state.after, 0)
        for node in self.graph.nodes:
            for shared in (node.form or Form()).shared:
                self._join(node.inputs[shared.input], node.outputs[shared.output], shared.offset)
        return [position for position in range(len(self.graph.nodes)) if self._join_in_place(position)]

    def _join(self, first: int, second: int, offset: int) -> None:
        """`second` starts `offset` bytes behind `first`."""
        one, other = self.root[first], self.root[second]
        shift = self.inside[first] + offset - self.inside[second]
        if one == other:
            if shift:
                raise GraphError(f"values {first} and {second} must share bytes in two ways")
            return
        for member in self.members[other]:
            self.root[member] = one
            self.inside[member] += shift
        # Ordered by birth: the first one names the storage.
        self.members[one] = sorted(self.members[one] + self.members.pop(other), key=lambda i: self.lives[i][0])
        lowest = min(self.inside[member] for member in self.members[one])
        for member in self.members[one]:
            self.inside[member] -= lowest

    def _join_in_place(self, position: int) -> bool:
        """Give the only output of a node the bytes of an input that dies there and is as large, if the form may."""
        node = self.graph.nodes[position]
        form = node.form or Form()
        if form.shared or len(node.outputs) != 1:
            return False
        (out,) = node.outputs
        for order, i in enumerate(node.inputs):
            if form.lead_of(order) == 0 and node.inputs.count(i) == 1 and self._may_take(i, out, position):
                self._join(i, out, 0)
                return True
        return False

    def _may_take(self, i: int, out: int, position: int) -> bool:
        """Nothing but `i` lies in its bytes, nobody reads them later, and `out` is exactly as large; nor is anything in
        the bytes of `out` before, as a variable is that gets its new value there.
        """
        if i not in self.root or self._last(self.root[i]) > position or self._first(self.root[out]) < position:
            return False
        sizes = self._size(self.root[i]), self._size(self.root[out]), self._bytes(i), self._bytes(out)
        return len(set(sizes)) == 1

    def _bytes(self, i: int) -> int:
        return self.graph.values[i].size_bytes

    def _size(self, root: int) -> int:
        return max(self.inside[i] + self._bytes(i) for i in self.members[root])

    def _first(self, root: int) -> int:
        return min(self.lives[i][0] for i in self.members[root])

    def _last(self, root: int) -> int:
        return max(self.lives[i][1] for i in self.members[root])

    def storage(self, root: int) -> Storage:
        return Storage(self.members[root][0], self._size(root), self._first(root), self._last(root))

    def over(self, roots: list[int]) -> Iterator[Over]:
        """Outputs that may lie over an input of their node, because its storage dies as theirs is born."""
        for position, node in enumerate(self.graph.nodes):
            given = [self.root.get(i) for i in node.inputs]
            for order, reader in enumerate(given):
                form = node.form or Form()
                lead = form.lead_of(order)
                if lead is None or reader is None or given.count(reader) > 1 or len(node.outputs) > 1:
                    continue
                (out,) = node.outputs
                if not lead and not form.exact and self._bytes(out) > self._bytes(node.inputs[order]):
                    continue
                writer = self.root[out]
                if reader != writer and self._last(reader) == position == self._first(writer):
                    apart = lead + self.inside[out] - self.inside[node.inputs[order]]
                    yield Over(roots.index(writer), roots.index(reader), apart, form.exact)
