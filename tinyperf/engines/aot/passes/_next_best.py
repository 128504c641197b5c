"""What each node would cost with the next best kernel: for the report, which says why a kernel was taken."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from tinyperf.engines.aot.layouts import NHWC
from tinyperf.engines.aot.passes._path import laying_cycles, wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.cores import Core
    from tinyperf.engines.aot.graph import Form, Graph, Node
    from tinyperf.engines.aot.passes._path import Choice


def with_next_best(graph: Graph, choices: Sequence[Choice], forms: Sequence[Form], made: Graph, core: Core) -> Graph:
    """`made`, whose nodes say what the next best kernel would cost them.

    Args: graph: before the choice; choices, forms: of its nodes. made: the same with forms, and nodes between.
    """
    layouts = {
        i: x for n, form in zip(graph.nodes, forms, strict=True) for i, x in zip(n.outputs, _made(n, form), strict=True)
    }
    wants: dict[int, list[str]] = {}
    for node, form in zip(graph.nodes, forms, strict=True):
        for i, layout in wanted(node, form):
            wants.setdefault(i, []).append(layout)

    @cache
    def laid(i: int) -> dict[tuple[str, str], float]:
        return laying_cycles(graph.values[i], core)

    def laying(node: Node, form: Form) -> float:
        """Cycles to lay what it reads, and what it makes for those that read it."""
        before = [(i, layouts.get(i, NHWC), layout) for i, layout in wanted(node, form)]
        made = zip(node.outputs, _made(node, form), strict=True)
        behind = [(i, layout, want) for i, layout in made for want in wants.get(i, ())]
        return sum(laid(i)[given, want] for i, given, want in (*before, *behind) if given != want)

    def next_best(node: Node, choice: Choice, form: Form) -> tuple[str, float] | None:
        others = [other for other in choice.forms if other.kernel not in ("", form.kernel)]
        if not others:
            return None
        here = laying(node, form)
        costs = [(other.cycles + laying(node, other) - here, other.kernel) for other in others]
        cycles, kernel = min(costs)
        return kernel, cycles

    best = {
        node.outputs: next_best(node, choice, form)
        for node, choice, form in zip(graph.nodes, choices, forms, strict=True)
    }
    nodes = [
        replace(node, form=replace(node.form, next=best.get(node.outputs))) if node.form else node
        for node in made.nodes
    ]
    return replace(made, nodes=tuple(nodes))


def _made(node: Node, form: Form) -> tuple[str, ...]:
    return form.outputs or (NHWC,) * len(node.outputs)
