"""What the arena would take if every tensor lay in bytes of its own, as in TFLM's interpreter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, Shared
from tinyperf.engines.aot.layouts import NHWC
from tinyperf.engines.aot.operators._laid import Laid
from tinyperf.engines.aot.operators.reshape import Alias
from tinyperf.engines.aot.passes._together import Together
from tinyperf.engines.aot.passes.place import supposed

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Graph, Node


def plain_bytes(graph: Graph) -> int:
    """Bytes of the arena, the input consumed, but for variables and other names of a value; no scratch."""
    kept = kept_values(graph)
    nodes: list[Node] = []
    for node in graph.nodes:
        form = node.form or Form()
        lead = form.lead if kept & set(node.outputs) else ()
        shared = () if is_placed(node, kept) else form.shared
        if isinstance(node.work, Laid):
            shared = (Shared(0, 0, 0),)
        nodes.append(replace(node, form=Form(lead=lead, shared=shared)))
    values = {i: replace(value, layout=NHWC) for i, value in graph.values.items()}
    return supposed(replace(graph, nodes=tuple(nodes), values=values), keeps_input=False).arena_bytes


def kept_values(graph: Graph) -> set[int]:
    """The new values of variables and all that lies in their bytes: what is made there rests on the form it has."""
    together = Together(graph)
    return {i for state in graph.states for i in together.with_value(state.after)}


def is_placed(node: Node, kept: set[int]) -> bool:
    """Its parts lie in a whole, where they could be copied too; it is no other name of one value."""
    shared = (node.form or Form()).shared
    free = not kept & {*node.inputs, *node.outputs}
    return free and bool(shared) and not isinstance(node.work, Alias)
