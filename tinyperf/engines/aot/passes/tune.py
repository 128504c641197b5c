"""Plans by number, and the cheapest of all of them by costs that were measured.

A plan names a form for every node. To know what each form costs it is enough to measure a few plans layer by layer in
which every form worth a try occurs once; the cheapest way through measured costs is then the best of all plans.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import GraphError
from tinyperf.engines.aot.passes._path import cheapest_path
from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinyperf.cores import Core
    from tinyperf.engines.aot.graph import Form, Graph
    from tinyperf.engines.aot.passes._path import Choice

Key = tuple[str, tuple[str, ...], tuple[str, ...], int]
"""What tells one form of a node from another: kernel, layouts, block."""
Costs = dict[tuple[int, Key], float]
"""Cycles of a node, by its position among those that are chosen for, in a form."""

WORTH = 1.6
"""Times the predicted cycles of a node's cheapest form: what is predicted to be slower is not tried."""
DIGITS = 6


def key(form: Form) -> Key:
    return form.kernel, form.inputs, form.outputs, form.block


@dataclass(frozen=True, eq=False)
class Space:
    """All plans of a graph on a core: for each node the forms that it can have, the cheapest first."""

    graph: Graph
    core: Core
    choices: tuple[Choice, ...]

    @cached_property
    def _numbered(self) -> list[list[Form]]:
        """The forms of each node in an order that no cost changes."""
        return [sorted(choice.forms, key=key) for choice in self.choices]

    @property
    def plans(self) -> int:
        """How many there are."""
        return math.prod(len(choice.forms) for choice in self.choices)

    @property
    def digest(self) -> str:
        """Of all forms: a plan is of this space alone."""
        text = repr([[key(form) for form in forms] for forms in self._numbered])
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]

    def text(self, forms: Sequence[Form]) -> str:
        """A plan as the engine's option takes it: `9c31aa-0-3-1`."""
        each = zip(self._numbered, forms, strict=True)
        return "-".join([self.digest, *(str([key(form) for form in known].index(key(one))) for known, one in each)])

    def forms(self, text: str) -> tuple[Form, ...]:
        """The forms that a plan names.

        Raises: UsageError: it is of another model, core or version.
        """
        digest, *places = text.split("-")
        if digest != self.digest or len(places) != len(self.choices):
            raise UsageError(
                f"plan={text} was made for another model, core or version of tinyperf",
                means="a plan names forms of kernels by their numbers",
                hint="leave plan= out, or tune again with --tune",
            )
        try:
            return tuple(forms[int(place)] for forms, place in zip(self._numbered, places, strict=True))
        except (ValueError, IndexError) as exc:
            raise UsageError(f"plan={text} names no forms", hint="leave plan= out, or tune again with --tune") from exc

    def measured(self, costs: Mapping[tuple[int, Key], float]) -> list[Choice]:
        """The choices with the costs that were measured, the cheapest form first; others are as predicted."""
        return [
            replace(choice, forms=tuple(sorted(_priced(choice, k, costs), key=_cycles)))
            for k, choice in enumerate(self.choices)
        ]

    def best(self, costs: Mapping[tuple[int, Key], float]) -> tuple[Form, ...]:
        """The fastest of all plans by these costs."""
        way = cheapest_path(self.graph, self.measured(costs), self.core)
        if way is None:
            raise GraphError("no kernels fit together")
        return way.forms

    def tried(self, worth: float = WORTH) -> list[list[Form]]:
        """The forms of each node that may be worth it, the cheapest first."""
        return [_tried(choice.forms, worth) for choice in self.choices]

    def covering(self, worth: float = WORTH) -> list[tuple[Form, ...]]:
        """Plans in which every form that may be worth it occurs, the cheapest one first."""
        tried = self.tried(worth)
        plans = [tuple(forms[k % len(forms)] for forms in tried) for k in range(max(map(len, tried), default=1))]
        return list({tuple(map(key, plan)): plan for plan in (self.best({}), *plans)}.values())


def _cycles(form: Form) -> float:
    return form.cycles


def _priced(choice: Choice, node: int, costs: Mapping[tuple[int, Key], float]) -> list[Form]:
    return [replace(form, cycles=costs.get((node, key(form)), form.cycles)) for form in choice.forms]


def _tried(forms: Sequence[Form], worth: float) -> list[Form]:
    """Layouts that only mirror each other are both tried: their neighbours differ."""
    limit = worth * min(form.cycles for form in forms)
    return sorted((form for form in forms if form.cycles <= limit), key=_cycles)


def measured_costs(space: Space, made: Graph, cycles: Sequence[float]) -> Costs:
    """What a plan's nodes took. Args: made: the graph of the plan after all passes; cycles: of each of its nodes."""
    position = {node.outputs: k for k, node in enumerate(space.graph.nodes)}
    return {
        (position[node.outputs], key(node.form)): taken
        for node, taken in zip(made.nodes, cycles, strict=True)
        if node.outputs in position and node.form and node.form.kernel
    }
