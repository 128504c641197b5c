"""Less scratch, and copies after all, where they would be what makes the arena large.

TFLM's interpreter holds inputs and outputs of every operator apart, and its portable kernels want no scratch. A plan
must not need more than that for the sake of faster kernels, as long as others are nearly as fast; nor because a whole
is there before the last of its parts is made, or as long as any of them is read.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.passes._path import fitting_forms
from tinyperf.engines.aot.passes._plain import is_placed, kept_values, plain_bytes
from tinyperf.engines.aot.passes.choose import cheapest
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.cores import Core
    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Graph, Node

SLOWEST = 1.5
"""Times the cycles of the cheapest form: what is slower is never taken for its scratch."""

MOST_CHANGES = 6
"""So many nodes get another form, and so many are tried for each: planning takes time."""


def fit(graph: Graph, target: Target) -> Graph:
    """`graph` with other forms for nodes that make its arena larger than the tensors alone would, unless only time or
    flash counts.
    """
    kept = kept_values(graph)
    if target.optimize in {"time", "flash"} or not any(_may_cost(node, kept) for node in graph.nodes):
        return graph
    enough = plain_bytes(graph)
    for _ in range(MOST_CHANGES):
        need = _need(graph, enough)
        if need[0] <= enough:
            break
        others = itertools.islice(_others(graph, kept, target.core, enough), MOST_CHANGES)
        tried = (_with_form(graph, position, form) for position, form in others)
        smaller = next((other for other in tried if _need(other, enough) < need), None)
        if smaller is None:
            break
        graph = smaller
    return graph


def _need(graph: Graph, enough: int) -> tuple[int, int]:
    """Bytes of the arena, and those above `enough` of all nodes: two nodes that need as much must both give way."""
    plan = place(graph, keeps_input=False)
    return plan.arena_bytes, sum(max(plan.used_bytes(at) - enough, 0) for at in range(len(graph.nodes)))


def _may_cost(node: Node, kept: set[int]) -> bool:
    return bool((node.form or Form()).scratch_bytes) or is_placed(node, kept)


def _with_form(graph: Graph, position: int, form: Form) -> Graph:
    nodes = list(graph.nodes)
    nodes[position] = replace(nodes[position], form=form)
    return replace(graph, nodes=tuple(nodes))


def _others(graph: Graph, kept: set[int], core: Core, enough: int) -> Iterator[tuple[int, Form]]:
    """Forms by position that may make the arena smaller; those that cost the fewest cycles first."""
    plan = place(graph, keeps_input=False)
    choices: list[tuple[float, int, Form]] = []
    for position, node in enumerate(graph.nodes):
        if is_placed(node, kept):
            form = cheapest(node, core)
            why = "copied: its parts would lie in the whole for too long"
            choices.append((form.cycles, position, replace(form, why=why)))
        elif plan.used_bytes(position) > enough and not kept & set(node.outputs):
            choices += [(more, position, form) for more, form in _less(node, core)]
    return ((position, form) for _, position, form in sorted(choices, key=lambda choice: choice[:2]))


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
        if (form.inputs, form.outputs) == (chosen.inputs, chosen.outputs)
        and form.scratch_bytes < chosen.scratch_bytes
        and form.cycles <= SLOWEST * forms[0].cycles
    ]
