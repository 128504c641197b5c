"""Engine `aot`: a .tflite model compiled ahead of time to standalone C. No interpreter, no heap, one static arena.

    .tflite -> graph -> passes (graph to graph, each verified) -> place -> emit

Outputs equal TFLM's, bit for bit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from tinyperf import __version__, content
from tinyperf.engines import STREAM, Engine, Footprint, Generated
from tinyperf.engines.aot.passes import compiled, compiled_for, formed, unformed
from tinyperf.engines.aot.passes._flash import code_bytes
from tinyperf.engines.aot.passes.by_rows import by_rows
from tinyperf.engines.aot.passes.choose import space_of
from tinyperf.engines.aot.passes.emit import COUNTING, FIRMWARE, emit, weights_bytes
from tinyperf.engines.aot.passes.place import place
from tinyperf.errors import UsageError
from tinyperf.result import EngineDetails

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinyperf.engines import Optimize, Target, Workshop
    from tinyperf.engines.aot.graph import Form, Graph
    from tinyperf.engines.aot.passes.emit import Names
    from tinyperf.engines.aot.passes.tune import Space
    from tinyperf.tflite import Model

Value = TypeVar("Value", bound=str)


class Aot:
    """See the module."""

    name = "aot"
    options: Mapping[str, str] = MappingProxyType(
        {
            "fold": "on or off: leave out channels that are constant for every input (default on)",
            "optimize": "time, ram, flash or balanced: the fewest cycles, the smallest arena, the fewest bytes of "
            "constants, or few cycles in little RAM (default balanced)",
            "weights": "flash or ram: where the layers read their constants; the firmware's start copies them to RAM, "
            "once, before the first inference (default flash)",
            "layers": "on or off: the firmware counts the cycles of each layer, for profile --port (default off)",
            "plan": "the kernels, as --tune has found them (default: chosen by the core's costs)",
            STREAM: "on or off: of sww, keep what layers made of earlier frames and compute the newest alone "
            "(default on)",
        }
    )

    def prepare(
        self,
        model: Model,  # noqa: ARG002  (the interface's; nothing to find out first)
        options: Mapping[str, str],
        workshop: Workshop,  # noqa: ARG002  (likewise)
    ) -> Mapping[str, str]:
        """Nothing is to be found out."""
        return options

    def generate(self, model: Model, target: Target, options: Mapping[str, str]) -> Generated:
        target = _optimizing(target, options)
        graph = compiled(model, target, channels=_folds(options))
        if _option(options, "layers", ("off", "on")) == "off":
            return _generated(model, target, graph, FIRMWARE, keeps_input=True)
        return _counting(model, target, graph)

    def library(
        self, model: Model, target: Target, options: Mapping[str, str], names: Names, *, keeps_input: bool
    ) -> tuple[Generated, Graph]:
        """Sources for a project of somebody else's, called by `names`, and the graph that they compute.

        Args: keeps_input: the input is still there after an inference, at the cost of RAM.
        Raises: as `generate`.
        """
        target = _optimizing(target, options)
        graph = compiled(model, target, channels=_folds(options))
        return _generated(model, target, graph, names, keeps_input=keeps_input), graph

    def footprints(self, model: Model, targets: Sequence[Target], options: Mapping[str, str]) -> list[Footprint | None]:
        targets = [_optimizing(target, options) for target in targets]
        graphs = compiled_for(model, targets, channels=_folds(options))
        different = {id(graph): graph for graph in graphs}  # many targets share one plan
        footprints = {key: _footprint(graph) for key, graph in different.items()}
        return [_resident(footprints[id(graph)], target) for graph, target in zip(graphs, targets, strict=True)]


def space_for(model: Model, target: Target, *, channels: bool = True) -> Space:
    """All plans of a model on a core, for whoever measures what its forms cost."""
    return space_of(by_rows(unformed(model, channels=channels), target), target.core)


def generated_for(model: Model, target: Target, space: Space, forms: Sequence[Form]) -> tuple[Generated, Graph]:
    """One plan of `space`: its sources, and the graph that they compute, node by layer.

    Args: target: its `optimize` may still change forms for their memory, unless it is time or flash.
    """
    graph = formed(space.graph, replace(target, plan=space.text(forms)))
    return _generated(model, target, graph, FIRMWARE, keeps_input=True), graph


def _generated(model: Model, target: Target, graph: Graph, names: Names, *, keeps_input: bool) -> Generated:
    placed = place(graph, keeps_input=keeps_input)
    emitted = emit(model, graph, placed, target, names)
    used = Counter(layer.kernel for layer in emitted.layers if layer.symbol)
    return Generated(
        sources=emitted.sources,
        arena_bytes=placed.arena_bytes,
        weights_bytes=emitted.weights_bytes,
        resident_bytes=emitted.weights_bytes if target.resident else 0,
        details=EngineDetails(
            kernels=", ".join(f"{n} x {name}" for name, n in sorted(used.items())) + _left_out(graph),
            version=__version__,
        ),
        layers=emitted.layers,
        warnings=tuple(node.note for node in graph.nodes if node.note),
    )


def _counting(model: Model, target: Target, graph: Graph) -> Generated:
    """The firmware's sources with a reading of the cycle counter between layers.

    Raises: UsageError: the core has no such counter.
    """
    if "cycle_counter" not in target.core.features:
        raise UsageError(
            f"engine 'aot': layers=on, and the {target.core.title} has no cycle counter",
            hint="'tinyperf profile' without --port estimates the layers of a board that has a virtual form",
        )
    made = _generated(model, target, graph, COUNTING, keeps_input=True)
    folder = content.shipped("firmware_templates") / "engines" / "aot"
    counter = {name: (folder / name).read_text(encoding="utf-8") for name in ("tp_layers.c", "tp_layers.h")}
    called = sum(bool(layer.symbol) for layer in made.layers)
    flags = (*made.build_flags, f"-DTP_LAYERS={called}U")
    return replace(made, sources={**made.sources, **counter}, build_flags=flags)


def _footprint(graph: Graph) -> Footprint:
    placed = place(graph)
    weights = weights_bytes(graph, placed)
    return Footprint(placed.arena_bytes, planned=True, weights_bytes=weights, code_bytes=code_bytes(graph))


def _resident(footprint: Footprint, target: Target) -> Footprint:
    return replace(footprint, resident_bytes=footprint.weights_bytes) if target.resident else footprint


def _folds(options: Mapping[str, str]) -> bool:
    """Raises: UsageError: unknown option or value."""
    return _option(options, "fold", ("on", "off")) == "on"


def _optimizing(target: Target, options: Mapping[str, str]) -> Target:
    """Raises: UsageError: unknown option or value."""
    _option(options, STREAM, ("on", "off"))  # the build has done what it says
    resident = _option(options, "weights", ("flash", "ram")) == "ram"
    core = target.core.resident() if resident else target.core
    optimize = _option(options, "optimize", OPTIMIZE)
    return replace(target, core=core, optimize=optimize, resident=resident, plan=options.get("plan", ""))


OPTIMIZE: tuple[Optimize, ...] = ("balanced", "time", "ram", "flash")


def _option(options: Mapping[str, str], name: str, values: tuple[Value, ...]) -> Value:
    """One of `values`, the first of which stands for no option."""
    if unknown := sorted(set(options) - set(Aot.options)):
        raise UsageError(f"engine 'aot' has no option '{unknown[0]}'", hint=f"it has {', '.join(Aot.options)}")
    given = options.get(name, values[0])
    for value in values:
        if value == given:
            return value
    raise UsageError(f"engine 'aot': {name}={given} is neither {' nor '.join(values)}", hint=f"{name}={values[-1]}")


def _left_out(graph: Graph) -> str:
    """How many layers do less than the file says: a reader of the figures must know."""
    count = sum(bool(node.why) for node in graph.nodes)
    return f"; constant or unread channels left out (layers: {count})" if count else ""


ENGINE: Engine = Aot()
