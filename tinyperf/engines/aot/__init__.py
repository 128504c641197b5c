"""Engine `aot`: a .tflite model compiled ahead of time to standalone C99. No interpreter, no heap, one static arena.

    .tflite -> graph -> passes (graph to graph, each verified) -> place -> emit

Outputs equal TFLM's, bit for bit.
"""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from tinyperf import __version__
from tinyperf.engines import Engine, Generated
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.aot.passes.emit import emit
from tinyperf.engines.aot.passes.place import place
from tinyperf.errors import UsageError
from tinyperf.result import EngineDetails

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.engines import Target, Workshop
    from tinyperf.tflite import Model


class Aot:
    """See the module. It has no options."""

    name = "aot"
    options: Mapping[str, str] = MappingProxyType({})

    def prepare(self, model: Model, options: Mapping[str, str], workshop: Workshop) -> Mapping[str, str]:  # noqa: ARG002
        """Nothing is to be found out."""
        return options

    def generate(self, model: Model, target: Target, options: Mapping[str, str]) -> Generated:
        if options:
            raise UsageError(f"engine 'aot' has no option '{min(options)}'", hint="leave it out")
        graph = compiled(model, target)
        placed = place(graph)
        emitted = emit(model, graph, placed, target)
        used = Counter(layer.kernel for layer in emitted.layers if layer.symbol)
        return Generated(
            sources=emitted.sources,
            arena_bytes=placed.arena_bytes,
            weights_bytes=emitted.weights_bytes,
            details=EngineDetails(
                kernels=", ".join(f"{n} x {name}" for name, n in sorted(used.items())), version=__version__
            ),
            layers=emitted.layers,
            warnings=tuple(node.note for node in graph.nodes if node.note),
        )


ENGINE: Engine = Aot()
