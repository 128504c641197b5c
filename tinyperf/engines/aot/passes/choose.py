"""A kernel for every node: the cheapest of those that fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import all_kernels

if TYPE_CHECKING:
    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Graph, Node


def choose(graph: Graph, target: Target) -> Graph:
    """`graph` with a form for every node."""
    return replace(graph, nodes=tuple(replace(node, form=_form(node, target)) for node in graph.nodes))


def _form(node: Node, target: Target) -> Form:
    if node.work.shared:
        return Form(shared=node.work.shared, why="the same bytes under another shape: no code")
    fitting: list[Form] = []
    lacking: list[str] = []
    for kernel in all_kernels():
        if kernel.work is not type(node.work):
            continue
        lack = kernel.lacks(node.work, target, node.bounds)
        if lack is None:
            fitting += [replace(form, kernel=kernel.name) for form in kernel.forms(node.work, kernel.costs)]
        else:
            lacking.append(f"{kernel.name} needs {lack}")
    best = min(fitting, key=lambda form: form.cycles)
    why = "; ".join([f"cheapest of {len(fitting)}" if len(fitting) > 1 else "the only kernel licensed", *lacking])
    return replace(best, why=why)
