"""Less scratch where it would be what makes the arena large.

TFLM's interpreter holds inputs and outputs of every operator apart, and its portable kernels want no scratch. A plan
must not need more than that for the sake of faster kernels, as long as others are nearly as fast.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.passes.choose import fitting_forms
from tinyperf.engines.aot.passes.keep import Together
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from tinyperf.cores import Core
    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Graph, Node

SLOWEST = 1.5
"""Times the cycles of the cheapest form: what is slower is never taken for its scratch."""


def fit(graph: Graph, target: Target) -> Graph:
    """`graph` with other forms for the nodes whose scratch makes its arena larger than the tensors alone would."""
    if not any((node.form or Form()).scratch_bytes for node in graph.nodes):
        return graph
    enough = place(_without_scratch(graph), keeps_input=False).arena_bytes
    while place(graph, keeps_input=False).arena_bytes > enough:
        smaller = _smaller(graph, target.core, enough)
        if smaller is None:
            break
        graph = smaller
    return graph


def _without_scratch(graph: Graph) -> Graph:
    """`graph` as TFLM would hold it: every tensor in bytes of its own, but for variables."""
    kept = _kept(graph)
    nodes: list[Node] = []
    for node in graph.nodes:
        form = node.form or Form()
        lead = form.lead if kept & set(node.outputs) else ()
        nodes.append(replace(node, form=replace(form, lead=lead, scratch_bytes=0)))
    return replace(graph, nodes=tuple(nodes))


def _kept(graph: Graph) -> set[int]:
    """The new values of variables and all that lies in their bytes."""
    together = Together(graph)
    return {i for state in graph.states for i in together.with_value(state.after)}


def _smaller(graph: Graph, core: Core, enough: int) -> Graph | None:
    """`graph` with less scratch at one of the nodes where too much is in use, at the least cost; None if there is none.

    A node that makes a variable, or a part of one, keeps its form, on which it rests that it is made in place.
    """
    plan, nodes = place(graph, keeps_input=False), list(graph.nodes)
    kept = _kept(graph)
    choices: list[tuple[float, int, Form]] = []
    for position, node in enumerate(nodes):
        if plan.used_bytes(position) > enough and not kept & set(node.outputs):
            choices += [(more, position, form) for more, form in _less(node, core)]
    if not choices:
        return None
    _, position, form = min(choices, key=lambda choice: choice[:2])
    nodes[position] = replace(nodes[position], form=form)
    return replace(graph, nodes=tuple(nodes))


def _less(node: Node, core: Core) -> list[tuple[float, Form]]:
    """The forms with less scratch that are not much slower than the cheapest, and the cycles that they add."""
    chosen = node.form or Form()
    if not chosen.scratch_bytes:
        return []
    forms, _ = fitting_forms(node, core)
    why = f"less scratch than {forms[0].kernel}, which would make the arena larger"
    return [
        (form.cycles - chosen.cycles, replace(form, why=why))
        for form in forms
        if form.scratch_bytes < chosen.scratch_bytes and form.cycles <= SLOWEST * forms[0].cycles
    ]
