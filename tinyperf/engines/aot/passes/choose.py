"""A kernel for every node: the cheapest of those that fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tinyperf import cores
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import all_kernels

if TYPE_CHECKING:
    from tinyperf.cores import Core
    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Graph, Node
    from tinyperf.engines.aot.kernels import Costs, Kernel

FEATURES = {"dsp": "the DSP instructions", "mve": "Helium", "fpu": "a floating-point unit"}


def choose(graph: Graph, target: Target) -> Graph:
    """`graph` with a form for every node."""
    return replace(graph, nodes=tuple(replace(node, form=_form(node, target.core)) for node in graph.nodes))


def _form(node: Node, core: Core) -> Form:
    if node.work.shared:
        return Form(shared=node.work.shared, why="the same bytes under another shape: no code")
    fitting: list[Form] = []
    lacking: list[str] = []
    for kernel in all_kernels():
        if kernel.work is not type(node.work):
            continue
        lack = _missing(kernel, core) or kernel.lacks(node.work, node.bounds)
        if lack:
            lacking.append(f"{kernel.name} needs {lack}")
        else:
            forms = kernel.forms(node.work, _costs(kernel, core))
            fitting += [replace(form, kernel=kernel.name) for form in forms]
    fitting.sort(key=lambda form: form.cycles)
    return replace(fitting[0], why="; ".join([_cheapest(fitting), *lacking]))


def _cheapest(fitting: list[Form]) -> str:
    """Why the first of the forms, cheapest first, was taken."""
    if len(fitting) == 1:
        return "the only kernel that fits"
    best, second = fitting[:2]
    cycles = f"about {best.cycles:,.0f} cycles, {second.kernel} {second.cycles:,.0f}"
    return f"cheapest of {len(fitting)} ({cycles})"


def _missing(kernel: Kernel[Any], core: Core) -> str:
    """The features of the core that the kernel needs and the core lacks, in words."""
    return " and ".join(FEATURES.get(feature, feature) for feature in sorted(kernel.needs - core.features))


def _costs(kernel: Kernel[Any], core: Core) -> Costs:
    """Of this core; where nobody has given any, of the Cortex-M4; of a kernel that is new, its own guess."""
    for known in (core, cores.load("cortex-m4")):
        if kernel.name in known.costs:
            return known.costs[kernel.name]
    return kernel.costs
