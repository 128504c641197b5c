"""From words to a model: a benchmark's shipped one, or a file of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf import benchmark as benchmarks
from tinyperf import content, tflite
from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.benchmark import Benchmark
    from tinyperf.tflite import Model


def shipped(benchmark: Benchmark) -> Model:
    """The model that this version brings for a benchmark.

    Raises: UsageError: none.
    """
    files = content.names("models", ".tflite")
    if benchmark.name not in files:
        raise UsageError(
            f"no trained model is shipped for '{benchmark.name}' in this version",
            hint="give one: --model FILE.tflite; "
            + (
                f"'tinyperf models pull' fetches MLCommons's for {benchmark.name}"
                if benchmark.inputs_of or benchmark.streams
                else f"'tinyperf train {benchmark.name}' makes one"
            ),
        )
    return tflite.load(files[benchmark.name])


def named(benchmark: str | None, file: Path | None) -> tuple[Benchmark | None, Model]:
    """What to run: a benchmark's shipped model, a benchmark with a model of the user's, or (benchmark None) any model.

    Raises: UsageError: unknown benchmark, neither given, or nothing shipped for it. ModelError: as `tflite.load`.
    """
    chosen = benchmarks.benchmark(benchmark) if benchmark is not None else None
    if file is not None:
        return chosen, tflite.load(file)
    if chosen is None:
        raise UsageError(
            "neither a benchmark nor a model is given",
            hint=f"name one of {', '.join(benchmarks.BENCHMARKS)}, or --model FILE.tflite for a model of your own",
        )
    return chosen, shipped(chosen)
