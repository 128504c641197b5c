"""The nodes of a graph in an order of a smaller arena: the same values, never more bytes."""

from __future__ import annotations

from hypothesis import given, settings

from tests.unit.test_aot_plan import Bytes, codes, random_graphs, replay
from tinyperf import cores
from tinyperf.engines import Target
from tinyperf.engines.aot.graph import Form, Graph, Node, State
from tinyperf.engines.aot.passes.order import order
from tinyperf.engines.aot.passes.place import place

HOST = Target(cores.load("host"))


def graph_of(sizes: list[int], edges: list[tuple[tuple[int, ...], int]], *states: State) -> Graph:
    """Node by node: what it reads, and the one value that it makes; the last one is the model's output."""
    nodes = tuple(
        Node(Bytes(tuple(sizes[i] for i in read), (sizes[made],)), read, (made,), (), form=Form())
        for read, made in edges
    )
    graph = Graph("order", codes(sizes), nodes, (0,), (edges[-1][1],), states)
    graph.verify("drawing")
    return graph


def made(graph: Graph) -> list[int]:
    return [node.outputs[0] for node in graph.nodes]


def test_what_is_large_is_made_when_it_is_needed() -> None:
    """1 and 3 are large, and each needed for the next value alone."""
    sizes = [16, 400, 16, 400, 16, 16]
    file = graph_of(sizes, [((0,), 1), ((0,), 3), ((1,), 2), ((3,), 4), ((2, 4), 5)])
    better = order(file, HOST)
    assert made(better) == [1, 2, 3, 4, 5]
    assert (place(file).arena_bytes, place(better).arena_bytes) == (832, 448)


def test_an_order_that_is_as_good_stays() -> None:
    file = graph_of([16, 64, 64, 16], [((0,), 1), ((0,), 2), ((1, 2), 3)])
    assert order(file, HOST) is file


def test_a_variable_is_read_before_it_is_written() -> None:
    """2 is the new value of 1, in its bytes. Made at once, of the large 3, it would leave less beside 4, made of 1."""
    file = graph_of([16, 16, 16, 400, 64, 16], [((0,), 3), ((1,), 4), ((3,), 2), ((4,), 5)], State(1, 2))
    better = made(order(file, HOST))
    assert better.index(4) < better.index(2)


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(graph=random_graphs())
def test_any_graph_keeps_every_value_whole(graph: Graph) -> None:
    better = order(graph, HOST)
    better.verify("order")
    assert sorted(map(id, better.nodes)) == sorted(map(id, graph.nodes))
    replay(better, place(better))
    for kept in (True, False):
        assert place(better, keeps_input=kept).arena_bytes <= place(graph, keeps_input=kept).arena_bytes
