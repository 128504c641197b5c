"""The memory plan, checked by replaying an inference on tagged bytes: an own look at lives, none of the planner's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data import find
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.graph import Form, Graph, GraphError, Node, Operand, Shared, Signature, State, Value, Work
from tinyperf.engines.aot.packing import pack
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.aot.passes.place import ARENA_ALIGNMENT, place
from tinyperf.engines.aot.plan import Storage

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.plan import Plan

MODELS = (
    *("kws_ref_model", "vww_96_int8", "pretrainedResnet_quant", "ad01_int8"),
    *("str_ww_ref_model", "pretrainedResnet_large_int8"),
)
TARGETS = {"host": Target(cores.load("host")), "m4": Target(cores.load("cortex-m4"))}
SCRATCH = -2


def replay(graph: Graph, placed: Plan) -> None:
    """Each byte holds the tag of the value whose it is; every node must find its inputs whole.

    Tags are counted over the bytes of a value, so that a part of a value is told from another part. An output that
    lies over an input must keep the lead that the form demands.
    """
    memory = np.full(placed.arena_bytes, -1, np.int64)
    content: dict[int, npt.NDArray[np.int64]] = {}

    def span(i: int) -> slice:
        start, size = placed.values[i], graph.values[i].size_bytes
        assert start % 4 == 0
        assert start + size <= placed.arena_bytes
        return slice(start, start + size)

    def make(i: int) -> None:
        content[i] = np.arange(graph.values[i].size_bytes) + (i << 32)
        memory[span(i)] = content[i]

    for i in graph.inputs:
        make(i)
    for position, node in enumerate(graph.nodes):
        form = node.form or Form()
        given = [i for i in node.inputs if graph.values[i].data is None]
        whole(memory, span, content, given, f"node {position}")
        if position in placed.scratch:
            scratch = slice(placed.scratch[position], placed.scratch[position] + form.scratch_bytes)
            assert scratch.stop <= placed.arena_bytes
            memory[scratch] = SCRATCH
            whole(memory, span, content, given, f"node {position}: scratch")
            assert all(scratch.stop <= span(i).start or span(i).stop <= scratch.start for i in node.outputs)
        for shared in form.shared:
            one, other = node.inputs[shared.input], node.outputs[shared.output]
            assert placed.values[other] - placed.values[one] == shared.offset
        for out in node.outputs:
            if form.shared:
                content[out] = memory[span(out)].copy()
                continue
            for order, i in enumerate(node.inputs):
                lead = form.lead_of(order)
                if i not in given or span(i).stop <= span(out).start or span(out).stop <= span(i).start:
                    continue
                assert lead is not None, f"node {position}: output {out} lies over input {i}"
                assert span(out).start <= span(i).start - lead
                assert lead or graph.values[out].size_bytes <= graph.values[i].size_bytes
            make(out)
        whole(memory, span, content, list(node.outputs), f"node {position}: outputs")
    whole(memory, span, content, [*graph.inputs, *graph.outputs], "after the inference")


def whole(
    memory: npt.NDArray[np.int64],
    span: Callable[[int], slice],
    content: dict[int, npt.NDArray[np.int64]],
    values: list[int],
    when: str,
) -> None:
    for i in values:
        assert (memory[span(i)] == content[i]).all(), f"{when}: value {i} was overwritten"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", MODELS)
def test_no_two_live_values_overlap(name: str, target: str) -> None:
    graph = compiled(tflite.load(find(f"reference_models/{name}.tflite")), TARGETS[target])
    placed = place(graph)
    assert placed.arena_bytes % ARENA_ALIGNMENT == 0
    assert 0 < placed.busiest_bytes <= placed.arena_bytes
    replay(graph, placed)


STORAGE = st.builds(
    lambda size, first, length: Storage(None, size, first, first + length),
    st.integers(1, 1000),
    st.integers(0, 20),
    st.integers(0, 8),
)


@settings(deadline=None, derandomize=True, database=None)
@given(storages=st.lists(STORAGE, max_size=25))
def test_packing_keeps_lives_apart(storages: list[Storage]) -> None:
    packed = pack(tuple(storages))
    total = packed.bytes
    placed = list(zip(packed.offsets, storages, strict=True))
    for i, (at, one) in enumerate(placed):
        assert at + one.size_bytes <= total
        for other_at, other in placed[i + 1 :]:
            together = one.first <= other.last and other.first <= one.last
            assert not together or at + one.size_bytes <= other_at or other_at + other.size_bytes <= at


def test_packing_is_tight_where_lives_do_not_meet() -> None:
    storages = (Storage(0, 100, 0, 1), Storage(1, 60, 1, 2), Storage(2, 100, 2, 3))
    assert pack(storages).bytes == 160


@dataclass(frozen=True)
class Bytes(Work):
    """So many bytes in, so many out; what it computes does not matter."""

    given: tuple[int, ...]
    made: tuple[int, ...]

    @property
    def signature(self) -> Signature:
        return Signature(tuple(Operand((n,)) for n in self.given), tuple(Operand((n,)) for n in self.made))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        return tuple(np.resize(np.concatenate(inputs, axis=1), (len(inputs[0]), n)) for n in self.made)


def codes(sizes: list[int]) -> dict[int, Value]:
    return {i: Value(i, "", (n,), "int8", scale=1.0, zero_point=0, range=(-128, 127)) for i, n in enumerate(sizes)}


@dataclass
class Builder:
    """A graph of such works, one node after another; sizes are words, so that parts are aligned as kernels ask."""

    draw: st.DrawFn
    sizes: list[int] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    def value(self, size: int) -> int:
        self.sizes.append(size)
        return len(self.sizes) - 1

    def any_value(self) -> int:
        return self.draw(st.integers(0, len(self.sizes) - 1))

    def size(self) -> int:
        return 4 * self.draw(st.integers(1, 40))

    def node(self, inputs: tuple[int, ...], outputs: tuple[int, ...], form: Form) -> None:
        work = Bytes(tuple(self.sizes[i] for i in inputs), tuple(self.sizes[i] for i in outputs))
        self.nodes.append(Node(work, inputs, outputs, (), form=form))

    def computed(self) -> None:
        """One or two inputs, an output that keeps apart, takes an input's place or runs a lead ahead of it."""
        inputs = tuple(self.any_value() for _ in range(self.draw(st.integers(1, 2))))
        lead = tuple(self.draw(st.sampled_from((None, 0, 4, 12, 100))) for _ in inputs)
        same = self.draw(st.booleans())
        out = self.value(self.sizes[inputs[0]] if same else self.size())
        self.node(inputs, (out,), Form(lead=lead, scratch_bytes=self.draw(st.sampled_from((0, 0, 24)))))

    def several(self) -> None:
        """Two outputs of their own."""
        self.node((self.any_value(),), (self.value(self.size()), self.value(self.size())), Form(lead=(0,)))

    def renamed(self) -> None:
        given = self.any_value()
        self.node((given,), (self.value(self.sizes[given]),), Form(shared=(Shared(0, 0, 0),)))

    def split(self) -> None:
        """Two parts of a value, in its bytes."""
        given = self.any_value()
        first = self.sizes[given] // 8 * 4
        if first:
            parts = self.value(first), self.value(self.sizes[given] - first)
            self.node((given,), parts, Form(shared=(Shared(0, 0, 0), Shared(0, 1, first))))

    def joined(self) -> None:
        """Values that were made for it, in the bytes of the whole."""
        source = self.any_value()
        parts = []
        for _ in range(2):
            parts.append(self.value(self.size()))
            self.node((source,), (parts[-1],), Form(lead=(0,)))
        one, other = parts
        whole_value = self.value(self.sizes[one] + self.sizes[other])
        shared = Shared(0, 0, 0), Shared(1, 0, -self.sizes[one])
        self.node((one, other), (whole_value,), Form(shared=shared))

    def graph(self) -> Graph:
        return Graph("random", codes(self.sizes), tuple(self.nodes), (0,), (len(self.sizes) - 1,))


@st.composite
def random_graphs(draw: st.DrawFn) -> Graph:
    builder = Builder(draw)
    builder.value(builder.size())
    steps = (builder.computed, builder.computed, builder.several, builder.renamed, builder.split, builder.joined)
    for _ in range(draw(st.integers(1, 12))):
        draw(st.sampled_from(steps))()
    return builder.graph()


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(graph=random_graphs())
def test_a_plan_of_any_graph_keeps_every_value_whole(graph: Graph) -> None:
    graph.verify("drawing")
    replay(graph, place(graph))


def chain(size: int, made: int, lead: int | None) -> Graph:
    """0 -> 1 -> 2, the last two of those sizes."""
    nodes = (
        Node(Bytes((4,), (size,)), (0,), (1,), (), form=Form()),
        Node(Bytes((size,), (made,)), (1,), (2,), (), form=Form(lead=(lead,))),
    )
    return Graph("chain", codes([4, size, made]), nodes, (0,), (2,))


@pytest.mark.parametrize(
    ("lead", "arena_bytes"),
    [
        pytest.param(None, 4 + 100 + 60, id="apart"),
        pytest.param(0, 4 + 100, id="in the place of its start"),
        pytest.param(8, 4 + 8 + 100, id="eight bytes ahead"),
        pytest.param(60, 4 + 60 + 100, id="as far ahead as it is long"),
    ],
)
def test_an_output_runs_ahead_of_its_input(lead: int | None, arena_bytes: int) -> None:
    graph = chain(100, 60, lead)
    plan = place(graph)
    replay(graph, plan)
    assert plan.arena_bytes == -(-arena_bytes // ARENA_ALIGNMENT) * ARENA_ALIGNMENT


def test_parts_are_placed_in_the_whole() -> None:
    """SPLIT and CONCATENATION without a copy: no byte more than the whole."""
    nodes = (
        Node(Bytes((16,), (16,)), (0,), (1,), (), form=Form()),
        Node(Bytes((16,), (12,)), (0,), (2,), (), form=Form()),
        Node(Bytes((16, 12), (28,)), (1, 2), (3,), (), form=Form(shared=(Shared(0, 0, 0), Shared(1, 0, -16)))),
    )
    graph = Graph("joined", codes([16, 16, 12, 28]), nodes, (0,), (3,))
    plan = place(graph)
    replay(graph, plan)
    assert (plan.values[1], plan.values[2]) == (plan.values[3], plan.values[3] + 16)
    assert plan.arena_bytes == 48


def test_a_part_of_two_wholes_is_caught() -> None:
    """1 begins both 4 and 5, so 2 and 3 would lie in the same bytes."""
    whole_of = Bytes((16, 16), (32,))
    halves = Form(shared=(Shared(0, 0, 0), Shared(1, 0, -16)))
    nodes = (
        *(Node(Bytes((16,), (16,)), (0,), (i,), (), form=Form()) for i in (1, 2, 3)),
        Node(whole_of, (1, 2), (4,), (), form=halves),
        Node(whole_of, (1, 3), (5,), (), form=halves),
        Node(Bytes((32, 32), (16,)), (4, 5), (6,), (), form=Form()),
    )
    with pytest.raises(GraphError, match="values 2 and 3 live together and share bytes"):
        place(Graph("twice", codes([16, 16, 16, 16, 32, 32, 16]), nodes, (0,), (6,)))


def test_values_count_their_bytes() -> None:
    graph = chain(100, 60, None)
    wide = {1: replace(graph.values[1], dtype="int16"), 2: replace(graph.values[2], dtype="int32")}
    plan = place(replace(graph, values={**graph.values, **wide}))
    assert plan.arena_bytes == -(-(4 + 200 + 240) // ARENA_ALIGNMENT) * ARENA_ALIGNMENT


def test_a_state_keeps_its_bytes_from_inference_to_inference() -> None:
    """0 and the state 1 give 2, which is the state after it; 3 is made meanwhile and must not lie over it."""
    nodes = (
        Node(Bytes((16, 16), (16,)), (0, 1), (2,), (), form=Form(lead=(None, 0))),
        Node(Bytes((16,), (16,)), (0,), (3,), (), form=Form()),
    )
    graph = Graph("state", codes([16] * 4), nodes, (0,), (3,), (State(1, 2),))
    graph.verify("drawing")
    plan = place(graph)
    assert plan.values[1] == plan.values[2]
    assert len({plan.values[i] for i in (0, 1, 3)}) == 3


def test_a_state_that_is_read_after_it_was_written_is_caught() -> None:
    nodes = (
        Node(Bytes((16, 16), (16,)), (0, 1), (2,), (), form=Form(lead=(None, 0))),
        Node(Bytes((16,), (16,)), (1,), (3,), (), form=Form()),
    )
    with pytest.raises(GraphError, match="values 1 and 2 live together and share bytes"):
        place(Graph("state", codes([16] * 4), nodes, (0,), (3,), (State(1, 2),)))
