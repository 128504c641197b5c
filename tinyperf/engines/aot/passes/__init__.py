"""From a .tflite to a graph that is ready to be written as C: functions from graph to graph, in this order.

    lower -> fold -> transposes -> pads -> tables -> rewrite -> leave_out -> dead_channels -> bounds -> defer
          -> by_rows -> choose -> keep -> order -> fit

then place (a plan of the arena) and emit (C text).

The graph is verified after every one of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.passes._flash import flash_bytes
from tinyperf.engines.aot.passes.bounds import bounds
from tinyperf.engines.aot.passes.by_rows import by_rows
from tinyperf.engines.aot.passes.choose import choose
from tinyperf.engines.aot.passes.dead_channels import dead_channels
from tinyperf.engines.aot.passes.defer import defer
from tinyperf.engines.aot.passes.fit import fit
from tinyperf.engines.aot.passes.fold import fold
from tinyperf.engines.aot.passes.keep import keep
from tinyperf.engines.aot.passes.leave_out import leave_out
from tinyperf.engines.aot.passes.lower import lower
from tinyperf.engines.aot.passes.order import order
from tinyperf.engines.aot.passes.pads import pads
from tinyperf.engines.aot.passes.rewrite import rewrite
from tinyperf.engines.aot.passes.tables import tables
from tinyperf.engines.aot.passes.transposes import transposes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tinyperf.engines import Target
    from tinyperf.engines.aot.graph import Graph
    from tinyperf.tflite import Model


def stages(model: Model, target: Target, *, channels: bool = True) -> Iterator[tuple[str, Graph]]:
    """The graph after each pass, by the pass's name; the last one has a form for every node.

    channels: leave out those that are constant or that nobody reads.

    Raises: ModelError: the model holds what is not supported. GraphError: a defect of a pass.
    """
    graph = None
    for name, graph in _for_any_target(model, channels=channels):
        yield name, graph
    if graph is not None:
        yield from _for_target(graph, target)


def _for_any_target(model: Model, *, channels: bool) -> Iterator[tuple[str, Graph]]:
    graph = lower(model)
    graph.verify("lower")
    yield "lower", graph
    before = (fold, transposes, pads, tables, rewrite, *((leave_out,) if channels else ()))
    for run in (*before, dead_channels, bounds, defer):
        graph = run(graph)
        graph.verify(run.__name__)
        yield run.__name__, graph


def _for_target(graph: Graph, target: Target) -> Iterator[tuple[str, Graph]]:
    for run in (by_rows, choose, keep, order, fit):
        graph = run(graph, target)
        graph.verify(run.__name__)
        yield run.__name__, graph


def unformed(model: Model, *, channels: bool = True) -> Graph:
    """The graph after the passes that no target matters to: its nodes have no forms yet."""
    *_, (_, graph) = _for_any_target(model, channels=channels)
    return graph


def formed(graph: Graph, target: Target) -> Graph:
    """Such a graph after the other passes."""
    *_, (_, made) = _for_target(graph, target)
    return made


def compiled(model: Model, target: Target, *, channels: bool = True) -> Graph:
    """The graph after all passes."""
    (graph,) = compiled_for(model, (target,), channels=channels)
    return graph


def compiled_for(model: Model, targets: Iterable[Target], *, channels: bool = True) -> list[Graph]:
    """The graph after all passes for each target; what does not depend on the target is done once."""
    graph = unformed(model, channels=channels)
    made: list[tuple[Target, Graph, int]] = []
    for target in targets:
        roomy = [(plan, taken) for other, plan, taken in made if _holds(target, taken) and _alike(other, target)]
        if roomy:
            made.append((target, *roomy[0]))
            continue
        last = formed(graph, target)
        made.append((target, last, flash_bytes(last)))
    return [last for _, last, _ in made]


def _holds(target: Target, taken_bytes: int) -> bool:
    return target.flash_bytes is None or taken_bytes <= target.flash_bytes


def _alike(other: Target, target: Target) -> bool:
    """But for the flash, of which `other` has as much or more: a plan for it that fits `target` is that one's too."""
    enough = other.flash_bytes is None or (target.flash_bytes is not None and target.flash_bytes <= other.flash_bytes)
    return enough and replace(other, flash_bytes=target.flash_bytes) == target
