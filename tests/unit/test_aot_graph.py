"""The compiler's graph: what `verify` catches, by damage done to a graph that is whole; the plan's own check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs
from tests.data import REFERENCE, find
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.graph import Form, Graph, GraphError, State, Value
from tinyperf.engines.aot.host import HostModel
from tinyperf.engines.aot.passes import compiled, stages
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.engines.aot.graph import Node

M4 = Target(cores.load("cortex-m4"))


def whole() -> Graph:
    """0 -> RELU -> 1 -> ADD with the constant 2 -> 3 -> SOFTMAX -> 4, with forms."""
    tensors = [
        graphs.T((1, 8), 0.5, 3),
        graphs.T((1, 8), 0.5, 3),
        graphs.T((1, 8), 0.25, 0, np.arange(8, dtype=np.int8)[None]),
        graphs.T((1, 8), 0.75, 1),
        graphs.T((1, 8), 1 / 256, -128),
    ]
    ops = [
        graphs.O("RELU", [0], [1]),
        graphs.O("ADD", [1, 2], [3]),
        graphs.O("SOFTMAX", [3], [4], {"beta": 1.0}),
    ]
    return compiled(tflite.parse(graphs.build(tensors, ops, [0], [4]), "whole"), M4)


def node(graph: Graph, position: int, **changed: object) -> Graph:
    nodes = list(graph.nodes)
    nodes[position] = replace(nodes[position], **changed)  # type: ignore[arg-type]  # damage of any type
    return replace(graph, nodes=tuple(nodes))


def value(graph: Graph, i: int, **changed: object) -> Graph:
    damaged: Value = replace(graph.values[i], **changed)  # type: ignore[arg-type]  # damage of any type
    return replace(graph, values={**graph.values, i: damaged})


def swapped(graph: Graph) -> Graph:
    first, second, third = graph.nodes
    return replace(graph, nodes=(second, first, third))


def form(graph: Graph, position: int) -> Form:
    found = graph.nodes[position].form
    assert found is not None
    return found


def without(graph: Graph, i: int) -> Graph:
    return replace(graph, values={k: v for k, v in graph.values.items() if k != i})


DAMAGE: list[tuple[str, Callable[[Graph], Graph], str]] = [
    ("dangling edge", lambda g: node(g, 1, inputs=(99, 2)), "op 1 ADD reads value 99, which does not exist"),
    ("value removed", lambda g: without(g, 3), "value 3 is made and does not exist"),
    ("made twice", lambda g: node(g, 2, outputs=(3,)), "value 3 is made 2 times"),
    ("input made by a node", lambda g: node(g, 0, outputs=(0,)), "value 0 is made 2 times"),
    ("used before made", swapped, "op 1 ADD reads value 1 before it is made"),
    ("wrong dtype", lambda g: value(g, 1, dtype="int16"), "output 1 is int16, not int8"),
    ("wrong layout", lambda g: value(g, 1, layout="CHW"), "op 1 ADD: input 1 lies as CHW, not NHWC"),
    (
        "layout of the form",
        lambda g: node(g, 0, form=replace(form(g, 0), outputs=("CHW",))),
        "op 0 RELU: output 1 lies as NHWC, not CHW",
    ),
    ("wrong shape", lambda g: value(g, 3, shape=(1, 9)), r"op 2 SOFTMAX: input 3 has shape \(1, 9\)"),
    ("empty shape", lambda g: value(g, 3, shape=(1, 0)), r"value 3 has shape \(1, 0\)"),
    ("input too many", lambda g: node(g, 0, inputs=(0, 2)), "op 0 RELU has 2 inputs, its work 1"),
    ("missing range", lambda g: value(g, 3, range=None), "value 3 has range None"),
    ("missing scale", lambda g: value(g, 3, scale=None), "value 3 has a scale or a zero point alone"),
    ("constant without data", lambda g: value(g, 2, data=None), "reads value 2, a constant without data"),
    ("data of another type", lambda g: value(g, 2, data=np.zeros(8, np.int32)), "its data int32"),
    ("data of another size", lambda g: value(g, 2, data=np.zeros(7, np.int8)), "its data int8"),
    ("output of nobody", lambda g: replace(g, outputs=(77,)), "output 77 is made by no node"),
    ("state of nobody", lambda g: replace(g, states=(State(50, 51),)), "output 51 is made by no node"),
    ("another's id", lambda g: value(g, 3, id=4), "value 3 calls itself 4"),
]


@pytest.mark.parametrize(("damage", "seen"), [pytest.param(d, s, id=name) for name, d, s in DAMAGE])
def test_a_damaged_graph_is_caught(damage: Callable[[Graph], Graph], seen: str) -> None:
    graph = whole()
    graph.verify("nothing")
    with pytest.raises(GraphError, match=seen) as caught:
        damage(graph).verify("damage")
    assert "after pass 'damage'" in str(caught.value)


def test_every_defect_is_named() -> None:
    graph = value(value(whole(), 1, range=None), 3, scale=None)
    with pytest.raises(GraphError, match="value 1 has range None; value 3 has a scale or a zero point alone"):
        graph.verify("damage")


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_models_are_whole_after_every_pass(name: str) -> None:
    passes = [name for name, _ in stages(tflite.load(find(REFERENCE[name])), M4)]
    for_any = [
        "lower",
        "fold",
        "transposes",
        "pads",
        "tables",
        "rewrite",
        "leave_out",
        "dead_channels",
        "bounds",
        "defer",
    ]
    assert passes == [*for_any, "by_rows", "choose", "keep", "order", "fit"]


def moved(graph: Graph, i: int, by: int) -> None:
    plan = place(graph)
    replace(plan, values={**plan.values, i: plan.values[i] + by}).verify(graph)


def leads(graph: Graph, position: int, *lead: int | None) -> Graph:
    return node(graph, position, form=replace(form(graph, position), lead=lead))


def apart() -> Graph:
    """Nothing may lie over its input."""
    graph = whole()
    for position in range(len(graph.nodes)):
        graph = leads(graph, position)
    return graph


@pytest.mark.parametrize(
    ("i", "by", "seen"),
    [
        pytest.param(1, -4, "values 0 and 1 live together", id="over the input"),
        pytest.param(3, -4, "values (0|1) and 3 live together", id="over a value that lives"),
        pytest.param(4, 1000, "value 4 ends outside the arena", id="beyond the end"),
        pytest.param(0, -4, "value 0 ends outside the arena", id="before the start"),
    ],
)
def test_a_plan_that_lets_values_overlap_is_caught(i: int, by: int, seen: str) -> None:
    graph = apart()
    assert place(graph).values[1] != place(graph).values[3]
    with pytest.raises(GraphError, match=seen):
        moved(graph, i, by)


def test_a_layer_in_place_must_stay_where_it_is() -> None:
    graph = whole()
    plan = place(graph)
    assert plan.values[1] == plan.values[3] == plan.values[4]
    with pytest.raises(GraphError, match="values 1 and 3 live together"):
        moved(graph, 3, 4)


def test_scratch_over_a_value_is_caught() -> None:
    graph = node(apart(), 1, form=Form(kernel="add", scratch_bytes=8))
    plan = place(graph)
    with pytest.raises(GraphError, match="scratch of op 1 ADD lies over value 1"):
        replace(plan, scratch={1: plan.values[1]}).verify(graph)


def test_producers_and_consumers() -> None:
    graph = whole()

    def kind(found: Node) -> str:
        return found.origin[0].kind

    assert {i: kind(found) for i, found in graph.producers.items()} == {1: "RELU", 3: "ADD", 4: "SOFTMAX"}
    assert {i: [kind(n) for n in found] for i, found in graph.consumers.items()} == {
        0: ["RELU"],
        1: ["ADD"],
        2: ["ADD"],
        3: ["SOFTMAX"],
    }


def test_constants_are_computed_and_what_nobody_reads_is_left_out() -> None:
    """RELU of a constant is one; a SOFTMAX that nobody reads goes, and with it the constant before it."""
    row = np.arange(-4, 4, dtype=np.int8)[None]
    tensors = [
        graphs.T((1, 8), 0.5, 3),
        graphs.T((1, 8), 0.5, 0, row),
        graphs.T((1, 8), 0.5, 0),
        graphs.T((1, 8), 0.75, 1),
        graphs.T((1, 8), 1 / 256, -128),
    ]
    ops = [
        graphs.O("RELU", [1], [2]),
        graphs.O("ADD", [0, 2], [3]),
        graphs.O("SOFTMAX", [0], [4], {"beta": 1.0}),
    ]
    file = graphs.build(tensors, ops, [0], [3])
    model = tflite.parse(file, "constants")
    folded = dict(stages(model, M4))["fold"]
    assert [n.name for n in folded.nodes] == ["op 1 ADD"]
    assert sorted(folded.values) == [0, 2, 3]
    np.testing.assert_array_equal(folded.values[2].data, np.maximum(row, 0))
    samples = np.random.default_rng(0).integers(-128, 128, (6, 1, 8), np.int8)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples)[0], graphs.wheel(file, samples))
