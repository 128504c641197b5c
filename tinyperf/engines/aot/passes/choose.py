"""A kernel for every node and a layout for every value: the cheapest that fit together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form, GraphError, Node
from tinyperf.engines.aot.layouts import NHWC
from tinyperf.engines.aot.operators._strided import Strided
from tinyperf.engines.aot.operators.reshape import Alias
from tinyperf.engines.aot.passes._flash import flash_bytes, priced, prices
from tinyperf.engines.aot.passes._next_best import with_next_best
from tinyperf.engines.aot.passes._path import (
    Choice,
    can_lie,
    cheapest_path,
    fitting_forms,
    fitting_forms_of,
    laid,
    wanted,
)
from tinyperf.engines.aot.passes._plain import plain_bytes
from tinyperf.engines.aot.passes.defer import last_reader
from tinyperf.engines.aot.passes.place import ARENA_ALIGNMENT, supposed
from tinyperf.engines.aot.passes.tune import Space
from tinyperf.engines.aot.plan import ALIGNMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinyperf.cores import Core
    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Graph, Shared, State, Value
    from tinyperf.engines.aot.passes._path import Way
    from tinyperf.engines.aot.passes.tune import Key


SLOWEST = 2.0
"""Times the cycles of the fastest way: what is slower is not taken for its memory."""

FAR = 1.3
"""Times the cycles that a plan takes whose arena is not beside the core: ic on DISCO-F746NG, 36.8 for 27.5 ms."""

SMALL_BYTES = 1536
"""Balanced, an arena of so many bytes is small enough for any board: no cycles are given for less."""

MOST_WAYS, FINEST = 20, 50
"""So many ways are tried, each of at least a fiftieth less memory: planning takes time."""


def choose(graph: Graph, target: Target) -> Graph:
    """`graph` with a form for every node, and with a layout for every value: together they cost the fewest cycles.

    Where a node wants another layout than the value has, a node stands between that lays it so. Where RAM counts most,
    the smallest arena that takes not many more cycles; unless time or flash does, none larger than the tensors alone
    would fill, if there is a way. Constants cost cycles where flash counts most, or where the plan would not fit it.
    """
    space = space_of(graph, target.core)
    if target.plan:
        return _planned(space, space.forms(target.plan))
    return choose_by(space, target, {})


def space_of(graph: Graph, core: Core) -> Space:
    """All plans of a graph that no forms were chosen for."""
    return Space(graph, core, tuple(_choices(graph, core)))


def choose_by(space: Space, target: Target, measured: Mapping[tuple[int, Key], float]) -> Graph:
    """As `choose`, by the cycles of forms that were measured, and for others by those that the cores' costs give."""
    graph, choices = space.graph, space.measured(measured)
    for cycles_per_byte in prices(target):
        rule = "balanced" if cycles_per_byte and target.optimize == "time" else target.optimize  # RAM is short too
        made = _chosen(graph, priced(graph, choices, cycles_per_byte), replace(target, optimize=rule))
        if target.flash_bytes is None or flash_bytes(made) <= target.flash_bytes:
            break
    return made


def _planned(space: Space, forms: tuple[Form, ...]) -> Graph:
    choices = list(space.choices)
    made = _with_forms(space.graph, choices, forms, space.core)
    return with_next_best(space.graph, choices, forms, made, space.core)


def _chosen(graph: Graph, choices: list[Choice], target: Target) -> Graph:
    best = cheapest_path(graph, choices, target.core)
    if best is None:
        raise GraphError("no kernels fit together")
    made = _with_forms(graph, choices, best.forms, target.core)
    if target.optimize == "time" and target.near_bytes and supposed(made).arena_bytes > target.near_bytes:
        best, made = _near(graph, choices, best, made, target)
    if target.optimize in {"time", "flash"}:
        return with_next_best(graph, choices, best.forms, made, target.core)
    enough = max(plain_bytes(made), SMALL_BYTES) if target.optimize == "balanced" else 0
    ways, graphs, arenas = [best], [made], [arena_bytes(made)]
    below_bytes = min(best.most_bytes, enough + 1) if enough else best.most_bytes
    while min(arenas) > enough and len(arenas) < MOST_WAYS:
        way = cheapest_path(graph, choices, target.core, below_bytes=below_bytes)
        if way is None or way.cycles > SLOWEST * best.cycles:
            break
        ways.append(way)
        graphs.append(_with_forms(graph, choices, way.forms, target.core))
        arenas.append(arena_bytes(graphs[-1]))
        below_bytes = way.most_bytes - way.most_bytes // FINEST
    smallest = arenas.index(min(arenas))
    return with_next_best(graph, choices, ways[smallest].forms, graphs[smallest], target.core)


def _near(graph: Graph, choices: list[Choice], best: Way, made: Graph, target: Target) -> tuple[Way, Graph]:
    """The cheapest way whose arena lies beside the core, unless it takes more than waiting for other memory would."""
    near_bytes = target.near_bytes or 0
    below_bytes = min(best.most_bytes, near_bytes + 1)
    for _ in range(MOST_WAYS):
        way = cheapest_path(graph, choices, target.core, below_bytes=below_bytes)
        if way is None or way.cycles > FAR * best.cycles:
            break
        nearer = _with_forms(graph, choices, way.forms, target.core)
        if supposed(nearer).arena_bytes <= near_bytes:
            return way, nearer
        below_bytes = way.most_bytes - way.most_bytes // FINEST
    return best, made


def arena_bytes(graph: Graph) -> int:
    """The input consumed; or kept, less its own bytes, where that is more."""
    given = sum(-(-graph.values[i].size_bytes // ARENA_ALIGNMENT) * ARENA_ALIGNMENT for i in graph.inputs)
    return max(supposed(graph, keeps_input=False).arena_bytes, supposed(graph).arena_bytes - given)


def _choices(graph: Graph, core: Core) -> list[Choice]:
    placed: dict[int, Form] = {}  # by the values that a node makes
    choices: list[Choice] = []
    for node in graph.nodes:
        form = _placed(graph, node, placed)
        placed |= dict.fromkeys(node.outputs, form or Form())
        choices.append(Choice((form,), ()) if form else _choice(graph, node, core))
    return choices


def _choice(graph: Graph, node: Node, core: Core) -> Choice:
    forms, lacking = fitting_forms(node, core)
    return Choice(tuple(form for form in forms if can_lie(graph, node, form)), tuple(lacking))


def _with_forms(graph: Graph, choices: list[Choice], forms: tuple[Form, ...], core: Core) -> Graph:
    """`graph` with these forms, the layouts that they make, and nodes between where a value lies otherwise."""
    nodes: list[Node] = []
    values = dict(graph.values)
    for node, choice, form in zip(graph.nodes, choices, forms, strict=True):
        made = dict(zip(node.outputs, form.outputs, strict=False))
        values |= {i: replace(values[i], layout=layout) for i, layout in made.items()}
        given = list(node.inputs)
        for order, (i, layout) in enumerate(wanted(node, form)):
            if values[i].layout != layout:
                given[order] = max(values) + 1
                values[given[order]] = replace(values[i], id=given[order], layout=layout)
                nodes.append(_between(values[i], layout, given[order], node, core))
        nodes.append(replace(node, inputs=tuple(given), form=_explained(form, choice)))
    return replace(graph, nodes=tuple(nodes), values=values)


def _between(value: Value, layout: str, made: int, reader: Node, core: Core) -> Node:
    """The node that lays `value` as its `reader` wants it."""
    work = laid(value)
    form = next(
        f for f in fitting_forms_of(work, None, core)[0] if (f.inputs, f.outputs) == ((value.layout,), (layout,))
    )
    origin = replace(reader.origin[0], macs=0)
    form = replace(form, why=f"from {value.layout} to {layout}, as the next layer wants it")
    return Node(work, (value.id,), (made,), (origin,), form=form)


def _explained(form: Form, choice: Choice) -> Form:
    """`form` with why it was taken, where it has none."""
    if form.why:
        return form
    others = [other for other in choice.forms if other.kernel != form.kernel]
    return replace(form, why=_compared([form, *others], choice.lacking))


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
    return replace(plain[0], why=_compared(plain, lacking))


def _compared(fitting: list[Form], lacking: Sequence[str]) -> str:
    """Why the first of the forms, cheapest first, was taken; of the only one, what the others lack."""
    if len(fitting) == 1:
        return "; ".join(["the only kernel that fits", *lacking])
    best, second = fitting[:2]
    cycles = f"about {best.cycles:,.0f} cycles, {second.kernel} {second.cycles:,.0f}"
    return f"{'cheapest' if best.cycles <= second.cycles else 'best for the whole'} of {len(fitting)} ({cycles})"
