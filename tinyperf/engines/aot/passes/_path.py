"""The cheapest way through a graph: forms whose layouts meet, node by node."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from tinyperf import cores
from tinyperf.engines.aot.kernels import all_kernels
from tinyperf.engines.aot.layouts import NHWC, laid_bytes
from tinyperf.engines.aot.operators._laid import Laid
from tinyperf.engines.aot.passes import _row_forms
from tinyperf.engines.aot.plan import lives_of
from tinyperf.engines.aot.rows import ByRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tinyperf.cores import Core
    from tinyperf.engines.aot.graph import Bounds, Form, Graph, Node, Value, Work
    from tinyperf.engines.aot.kernels import Costs, Kernel, W

FEATURES = {
    "thumb": "the instructions of Armv6-M",
    "dsp": "the DSP instructions",
    "mve": "Helium",
    "fpu": "a floating-point unit",
}

MOST_STATES = 500
"""Sets of layouts that are followed at once, the cheapest ones."""


@dataclass(frozen=True)
class Choice:
    """The forms that a node can have, the cheapest first, and what other kernels lack.

    worth: cycles that count for each form beside its own: those that its constants are worth; () where none are.
    """

    forms: tuple[Form, ...]
    lacking: tuple[str, ...]
    worth: tuple[float, ...] = ()


@dataclass(frozen=True)
class Way:
    """A form for every node, the cycles of all with what their constants are worth, and the bytes that the largest
    node wants.
    """

    forms: tuple[Form, ...]
    cycles: float
    most_bytes: int


Layouts = tuple[tuple[int, str], ...]
"""Of values that are still to be read and do not lie as in the file, by id."""


def cheapest_path(graph: Graph, choices: list[Choice], core: Core, below_bytes: int | None = None) -> Way | None:
    """The way of the fewest cycles on which no node wants `below_bytes` or more; None where there is none."""
    last = {i: position for position, node in enumerate(graph.nodes) for i in node.inputs}
    sizes = Sizes(graph, core)
    paths: dict[Layouts, _Path] = {(): _Path(0.0, 0, None, None)}
    for position, (node, choice) in enumerate(zip(graph.nodes, choices, strict=True)):
        longer: dict[Layouts, _Path] = {}
        for laid_so, path in paths.items():
            here = dict(laid_so)
            for form, worth in zip(choice.forms, choice.worth or (0.0,) * len(choice.forms), strict=True):
                added, wants = sizes.step(position, form, here)
                if below_bytes is not None and wants >= below_bytes:
                    continue
                made = {i: x for i, x in zip(node.outputs, form.outputs, strict=False) if x != NHWC}
                still = tuple(sorted((i, x) for i, x in (here | made).items() if last.get(i, -1) > position))
                cycles = path.cycles + added + worth
                if still not in longer or cycles < longer[still].cycles:
                    longer[still] = _Path(cycles, max(path.most_bytes, wants), form, path)
        paths = dict(sorted(longer.items(), key=lambda item: item[1].cycles)[:MOST_STATES])
        if not paths:
            return None
    best = min(paths.values(), key=lambda path: path.cycles)
    return Way(best.forms(), best.cycles, best.most_bytes)


@dataclass(frozen=True)
class _Path:
    """Forms of the nodes so far: this one behind those `before`."""

    cycles: float
    most_bytes: int
    form: Form | None
    before: _Path | None

    def forms(self) -> tuple[Form, ...]:
        found: list[Form] = []
        path: _Path | None = self
        while path is not None and path.form is not None:
            found.append(path.form)
            path = path.before
        return tuple(found[::-1])


@dataclass(frozen=True)
class Sizes:
    """What a step along a path costs, in cycles and in bytes at once. `laid`: cycles to lay a value
    in another way, by its layouts before and after.
    """

    graph: Graph
    core: Core
    laid: dict[int, dict[tuple[str, str], float]] = field(default_factory=dict)

    @cached_property
    def _lives(self) -> dict[int, tuple[int, int]]:
        return lives_of(self.graph, keeps_input=False)

    @cached_property
    def _beside(self) -> list[int]:
        """Bytes that live on beside each node: of values that it neither reads nor makes."""
        values = self.graph.values
        return [
            sum(
                values[i].size_bytes
                for i, (first, last) in self._lives.items()
                if first < position < last and i not in node.inputs
            )
            for position, node in enumerate(self.graph.nodes)
        ]

    def step(self, position: int, form: Form, here: dict[int, str]) -> tuple[float, int]:
        """Cycles and bytes of a node in this form, and of laying its inputs, which lie as `here`, as the form wants."""
        node, values = self.graph.nodes[position], self.graph.values
        given = [self._laid_bytes(i, layout) for i, layout in wanted(node, form)]
        cycles, most = form.cycles, self._wants(position, form, given)
        for (i, layout), size in zip(wanted(node, form), given, strict=True):
            if here.get(i, NHWC) != layout:
                cycles += self._laid_cycles(i, here.get(i, NHWC), layout)
                most = max(most, self._beside[position] + values[i].size_bytes + size)
        return cycles, most

    def _laid_cycles(self, i: int, given: str, made: str) -> float:
        if i not in self.laid:
            self.laid[i] = laying_cycles(self.graph.values[i], self.core)
        return self.laid[i][given, made]

    def least(self, position: int, forms: Iterable[Form]) -> int:
        """Bytes at once that the form wants which wants the fewest, its inputs laid as it likes them."""
        node = self.graph.nodes[position]
        return min(
            self._wants(position, form, [self._laid_bytes(i, x) for i, x in wanted(node, form)]) for form in forms
        )

    def _laid_bytes(self, i: int, layout: str) -> int:
        value = self.graph.values[i]
        return laid_bytes(layout, value.shape, 1) if layout != NHWC else value.size_bytes

    def _wants(self, position: int, form: Form, given: list[int]) -> int:
        node = self.graph.nodes[position]
        outputs = form.outputs or (NHWC,) * len(node.outputs)
        made = sum(self._laid_bytes(i, layout) for i, layout in zip(node.outputs, outputs, strict=True))
        total = sum(given) + made
        over = 0
        for order, (i, size) in enumerate(zip(node.inputs, given, strict=True)):
            lead = form.lead_of(order)
            dies = i in self._lives and self._lives[i][1] == position
            if lead is not None and dies and (lead or form.exact or made <= size):
                over = max(over, size + made - max(made, size + max(lead, 0)))
        return self._beside[position] + form.scratch_bytes + (0 if form.shared else total - over)


def wanted(node: Node, form: Form) -> Iterator[tuple[int, str]]:
    """The node's inputs, and the layouts that its form wants of them."""
    return zip(node.inputs, form.inputs or (NHWC,) * len(node.inputs), strict=True)


def laid(value: Value) -> Laid:
    """The work that lays an image in another way."""
    _, height, width, channels = value.shape
    return Laid((height, width, channels))


def laying_cycles(value: Value, core: Core) -> dict[tuple[str, str], float]:
    """What it costs to lay an image in another way, by its layouts before and after."""
    return {(form.inputs[0], form.outputs[0]): form.cycles for form in fitting_forms_of(laid(value), None, core)[0]}


def can_lie(graph: Graph, node: Node, form: Form) -> bool:
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


def fitting_forms(node: Node, core: Core) -> tuple[list[Form], list[str]]:
    """The forms of all kernels that fit, the cheapest first; and what the others lack."""
    return fitting_forms_of(node.work, node.bounds, core)


def fitting_forms_of(work: Work, bounds: Bounds | None, core: Core) -> tuple[list[Form], list[str]]:
    """The same of a work that is no node's yet."""
    if isinstance(work, ByRows):
        found = _row_forms.forms(work, lambda row, bounds: fitting_forms_of(row, bounds, core)[0])
        return sorted(found, key=lambda form: form.cycles), []
    fitting: list[Form] = []
    lacking: list[str] = []
    for kernel in all_kernels():
        if kernel.work is not type(work):
            continue
        costs = _costs(kernel, core)
        lack = _missing(kernel, core) or kernel.lacks(work, bounds)
        if lack:
            lacking.append(f"{kernel.name} needs {lack}")
        elif costs is not None:
            forms = kernel.forms(work, costs)
            fitting += [replace(form, kernel=kernel.name) for form in forms]
    return sorted(fitting, key=lambda form: form.cycles), lacking


def _missing(kernel: Kernel[W], core: Core) -> str:
    """The features of the core that the kernel needs and the core lacks, in words."""
    return " and ".join(FEATURES.get(feature, feature) for feature in sorted(kernel.needs - core.features))


def _costs(kernel: Kernel[W], core: Core) -> Costs | None:
    """Of this core; where nobody has given any, of the Cortex-M4; of a kernel that is new, its own guess. None: it is
    for weights in RAM, and these are in flash.
    """
    for known in (core, cores.load("cortex-m4")):
        if kernel.name in known.costs:
            return known.costs[kernel.name]
    return kernel.costs or None
