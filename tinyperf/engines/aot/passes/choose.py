"""A kernel for every node and a layout for every value: the cheapest that fit together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tinyperf import cores
from tinyperf.engines.aot.graph import Form, Node
from tinyperf.engines.aot.kernels import all_kernels
from tinyperf.engines.aot.layouts import NHWC
from tinyperf.engines.aot.operators._laid import Laid
from tinyperf.engines.aot.operators._strided import Strided
from tinyperf.engines.aot.operators.reshape import Alias
from tinyperf.engines.aot.passes.defer import last_reader
from tinyperf.engines.aot.plan import ALIGNMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.cores import Core
    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Bounds, Graph, Shared, State, Value, Work
    from tinyperf.engines.aot.kernels import Costs, Kernel, W

FEATURES = {"dsp": "the DSP instructions", "mve": "Helium", "fpu": "a floating-point unit"}


def choose(graph: Graph, target: Target) -> Graph:
    """`graph` with a form for every node, and with a layout for every value: together they cost the fewest cycles.

    Where a node wants another layout than the value has, a node stands between that lays it so.
    """
    placed: dict[int, Form] = {}  # by the values that a node makes
    choices: list[_Choice] = []
    for node in graph.nodes:
        form = _placed(graph, node, placed)
        placed |= dict.fromkeys(node.outputs, form or Form())
        choices.append(_Choice((form,), ()) if form else _choice(graph, node, target.core))
    nodes: list[Node] = []
    values = dict(graph.values)
    for node, choice, form in zip(graph.nodes, choices, _cheapest_path(graph, choices, target.core), strict=True):
        made = dict(zip(node.outputs, form.outputs, strict=False))
        values |= {i: replace(values[i], layout=layout) for i, layout in made.items()}
        given = list(node.inputs)
        for order, (i, layout) in enumerate(_given(node, form)):
            if values[i].layout != layout:
                given[order] = max(values) + 1
                values[given[order]] = replace(values[i], id=given[order], layout=layout)
                nodes.append(_between(values[i], layout, given[order], node, target.core))
        nodes.append(replace(node, inputs=tuple(given), form=_explained(form, choice)))
    return replace(graph, nodes=tuple(nodes), values=values)


def _between(value: Value, layout: str, made: int, reader: Node, core: Core) -> Node:
    """The node that lays `value` as its `reader` wants it."""
    work = _laid(value)
    form = next(
        f for f in fitting_forms_of(work, None, core)[0] if (f.inputs, f.outputs) == ((value.layout,), (layout,))
    )
    origin = replace(reader.origin[0], macs=0)
    form = replace(form, why=f"from {value.layout} to {layout}, as the next layer wants it")
    return Node(work, (value.id,), (made,), (origin,), form=form)


def _laid(value: Value) -> Laid:
    _, height, width, channels = value.shape
    return Laid((height, width, channels))


@dataclass(frozen=True)
class _Choice:
    """The forms of a node, the cheapest first, and what other kernels lack."""

    forms: tuple[Form, ...]
    lacking: tuple[str, ...]


def _choice(graph: Graph, node: Node, core: Core) -> _Choice:
    """Of all forms the cheapest one for each pair of layouts that the node's values can have."""
    forms, lacking = fitting_forms(node, core)
    first: dict[tuple[tuple[str, ...], tuple[str, ...]], Form] = {}
    for form in forms:
        if _can_lie(graph, node, form):
            first.setdefault((form.inputs, form.outputs), form)
    return _Choice(tuple(first.values()), tuple(lacking))


def _can_lie(graph: Graph, node: Node, form: Form) -> bool:
    """What the form wants in planes are images of one batch, as its work sees them; and what it makes in planes are
    neither outputs of the model nor variables.
    """
    signature = node.work.signature
    ends = {*graph.outputs, *(i for state in graph.states for i in (state.before, state.after))}
    sides = ((node.inputs, signature.inputs, form.inputs), (node.outputs, signature.outputs, form.outputs))
    for ids, operands, layouts in sides:
        for i, operand, layout in zip(ids, operands, layouts or (NHWC,) * len(ids), strict=True):
            value = graph.values[i]
            image = value.data is None and value.shape == (1, *operand.shape)
            if layout != NHWC and (not image or (i in ends and ids is node.outputs)):
                return False
    return True


Layouts = tuple[tuple[int, str], ...]
"""Of values that are still to be read and do not lie as in the file, by id."""

MOST_PATHS = 2000


def _cheapest_path(graph: Graph, choices: list[_Choice], core: Core) -> list[Form]:
    """A form for each node: node by node, the cheapest way to each set of layouts."""
    last = {i: position for position, node in enumerate(graph.nodes) for i in node.inputs}
    paths: dict[Layouts, _Path] = {(): _Path(0.0, None, None)}
    for position, (node, choice) in enumerate(zip(graph.nodes, choices, strict=True)):
        longer: dict[Layouts, _Path] = {}
        for laid, path in paths.items():
            here = dict(laid)
            for form in choice.forms:
                cycles = path.cycles + form.cycles + _laid_anew(graph, node, form, here, core)
                made = {i: x for i, x in zip(node.outputs, form.outputs, strict=False) if x != NHWC}
                still = tuple(sorted((i, x) for i, x in (here | made).items() if last.get(i, -1) > position))
                if still not in longer or cycles < longer[still].cycles:
                    longer[still] = _Path(cycles, form, path)
        paths = dict(sorted(longer.items(), key=lambda item: item[1].cycles)[:MOST_PATHS])
    return min(paths.values(), key=lambda path: path.cycles).forms()


def _laid_anew(graph: Graph, node: Node, form: Form, here: dict[int, str], core: Core) -> float:
    """Cycles to lay the node's inputs, which lie as `here`, as the form wants them."""
    return sum(
        fitting_forms_of(_laid(graph.values[i]), None, core)[0][0].cycles
        for i, layout in _given(node, form)
        if here.get(i, NHWC) != layout
    )


def _given(node: Node, form: Form) -> Iterator[tuple[int, str]]:
    """The node's inputs, and the layouts that its form wants of them."""
    return zip(node.inputs, form.inputs or (NHWC,) * len(node.inputs), strict=True)


@dataclass(frozen=True)
class _Path:
    """Forms of the nodes so far: this one behind those `before`."""

    cycles: float
    form: Form | None
    before: _Path | None

    def forms(self) -> list[Form]:
        found: list[Form] = []
        path: _Path | None = self
        while path is not None and path.form is not None:
            found.append(path.form)
            path = path.before
        return found[::-1]


def _explained(form: Form, choice: _Choice) -> Form:
    """`form` with why it was taken, where it has none."""
    if form.why:
        return form
    others = [other for other in choice.forms if other.kernel != form.kernel]
    return replace(form, why="; ".join([_compared([form, *others]), *choice.lacking]))


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
    """The form of the cheapest kernel that fits, for values that lie as in the file."""
    fitting, lacking = fitting_forms(node, core)
    plain = [form for form in fitting if {*form.inputs, *form.outputs} <= {NHWC}]
    return replace(plain[0], why="; ".join([_compared(plain), *lacking]))


def fitting_forms(node: Node, core: Core) -> tuple[list[Form], list[str]]:
    """The forms of all kernels that fit, the cheapest first; and what the others lack."""
    return fitting_forms_of(node.work, node.bounds, core)


def fitting_forms_of(work: Work, bounds: Bounds | None, core: Core) -> tuple[list[Form], list[str]]:
    """The same of a work that is no node's yet."""
    fitting: list[Form] = []
    lacking: list[str] = []
    for kernel in all_kernels():
        if kernel.work is not type(work):
            continue
        lack = _missing(kernel, core) or kernel.lacks(work, bounds)
        if lack:
            lacking.append(f"{kernel.name} needs {lack}")
        else:
            forms = kernel.forms(work, _costs(kernel, core))
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
