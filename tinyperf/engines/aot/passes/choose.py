"""A kernel for every node: the cheapest of those that fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf import cores
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import all_kernels
from tinyperf.engines.aot.operators._strided import Strided
from tinyperf.engines.aot.operators.reshape import Alias
from tinyperf.engines.aot.passes.defer import last_reader
from tinyperf.engines.aot.plan import ALIGNMENT

if TYPE_CHECKING:
    from tinyperf.cores import Core
    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Graph, Node, Shared, State
    from tinyperf.engines.aot.kernels import Costs, Kernel, W

FEATURES = {"dsp": "the DSP instructions", "mve": "Helium", "fpu": "a floating-point unit"}


def choose(graph: Graph, target: Target) -> Graph:
    """`graph` with a form for every node."""
    forms: dict[int, Form] = {}  # by the values that a node makes
    nodes: list[Node] = []
    for node in graph.nodes:
        form = _placed(graph, node, forms) or cheapest(node, target.core)
        forms |= dict.fromkeys(node.outputs, form)
        nodes.append(replace(node, form=form))
    return replace(graph, nodes=tuple(nodes))


def _placed(graph: Graph, node: Node, forms: dict[int, Form]) -> Form | None:
    """The form of a node that needs no code, because its inputs or outputs can be placed in one another."""
    shared = node.work.shared
    if not shared:
        return None
    if isinstance(node.work, Alias):
        return Form(shared=shared, why="the same bytes under another shape: no code")
    if not all(one.offset % ALIGNMENT == 0 and _fits(graph, node, one, forms) for one in shared):
        return None
    return Form(shared=shared, why="its parts are placed in the whole: no code")


def _fits(graph: Graph, node: Node, shared: Shared, forms: dict[int, Form]) -> bool:
    """A part of an input can be read where it is; an input can be made where the whole will be, if it is made for it.

    Then no other whole and no other name has claimed its bytes. A state is written again while its parts may live.
    """
    i = node.inputs[shared.input]
    if len(node.inputs) == 1:
        return graph.values[i].data is None and i not in {state.before for state in graph.states}
    alone = node.inputs.count(i) == 1 and not any(n.work.shared for n in graph.consumers[i] if n is not node)
    if alone and i in forms and not forms[i].shared:
        return True
    return alone and any(_kept(graph, node, i, state) for state in graph.states)


def _kept(graph: Graph, node: Node, i: int, state: State) -> bool:
    """`i` is the old value of `state`, which is part of what `node` makes and of nothing else; and the new value is
    moved from there to its place by the last node that reads those bytes.
    """
    names = {state.before}
    while True:
        readers = [n for name in names for n in graph.consumers.get(name, ())]
        more = {out for n in readers if isinstance(n.work, Alias) for out in n.outputs} - names
        if not more:
            break
        names |= more
    mover = graph.producers.get(state.after)
    if i not in names or mover is None or mover.inputs != node.outputs:
        return False
    if not (isinstance(mover.work, Strided) and mover.work.one_run):
        return False
    others = [n for n in readers if n is not node and not isinstance(n.work, Alias)]
    return not others and graph.nodes[last_reader(graph, mover, list(graph.nodes))] is mover


def cheapest(node: Node, core: Core) -> Form:
    """The form of the cheapest kernel that fits."""
    fitting, lacking = fitting_forms(node, core)
    return replace(fitting[0], why="; ".join([_compared(fitting), *lacking]))


def fitting_forms(node: Node, core: Core) -> tuple[list[Form], list[str]]:
    """The forms of all kernels that fit, the cheapest first; and what the others lack."""
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
    return sorted(fitting, key=lambda form: form.cycles), lacking


def _compared(fitting: list[Form]) -> str:
    """Why the first of the forms, cheapest first, was taken."""
    if len(fitting) == 1:
        return "the only kernel that fits"
    best, second = fitting[:2]
    cycles = f"about {best.cycles:,.0f} cycles, {second.kernel} {second.cycles:,.0f}"
    return f"cheapest of {len(fitting)} ({cycles})"


def _missing(kernel: Kernel[W], core: Core) -> str:
    """The features of the core that the kernel needs and the core lacks, in words."""
    return " and ".join(FEATURES.get(feature, feature) for feature in sorted(kernel.needs - core.features))


def _costs(kernel: Kernel[W], core: Core) -> Costs:
    """Of this core; where nobody has given any, of the Cortex-M4; of a kernel that is new, its own guess."""
    for known in (core, cores.load("cortex-m4")):
        if kernel.name in known.costs:
            return known.costs[kernel.name]
    return kernel.costs
