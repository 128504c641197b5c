"""Everything MLPerf Tiny says of a benchmark, in one table.

Source: mlcommons/tiny 1afd2c9 (benchmark/runner, evaluation rules) and the EEMBC EnergyRunner guide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tinyperf.errors import UsageError, meant

if TYPE_CHECKING:
    from tinyperf.result import RuleMetric

Element = Literal["int8", "uint8", "int16", "float32"]


@dataclass(frozen=True)
class Benchmark:
    """One benchmark of the suite.

    `element`: what one input element is on the wire; int8 is already quantized with `wire_scale` and
    `wire_zero_point`, uint8 is a pixel whose int8 code is pixel - 128, float32 is little-endian.
    `input_bytes`: sent per inference; `stride_bytes`: step between the windows of one file; `buffer_bytes`: receive
    buffer of the reference firmware (MAX_DB_INPUT_SIZE).
    `inferences`, `warmups`: the MLCommons runner's defaults (performance mode).
    `inputs_of`: the benchmark whose inputs it takes, where they are not its own. `streams`: sound comes without end, a
    frame is an inference, and the front end is part of it; `element` and `input_bytes` are then of a frame on the wire,
    `input_shape` and `wire_scale` of the model.
    """

    name: str
    title: str
    model_id: str
    element: Element
    input_shape: tuple[int, ...]
    input_bytes: int
    buffer_bytes: int
    file_bytes: int
    stride_bytes: int
    labels: tuple[str, ...]
    metric: RuleMetric
    target: float
    samples: int
    inferences: int
    warmups: int
    wire_scale: float
    wire_zero_point: int
    inputs_of: str | None = None
    streams: bool = False

    @property
    def inputs_id(self) -> str:
        """Name of the folder of its inputs: kws01, ..., which is the model's but for ic2."""
        return BENCHMARKS[self.inputs_of].model_id if self.inputs_of else self.model_id

    @property
    def windows_per_file(self) -> int:
        """196 for ad, 1 elsewhere."""
        return (self.file_bytes - self.input_bytes) // self.stride_bytes + 1 if self.stride_bytes else 1


_OF_THE_FIRST_ROUNDS = {
    b.name: b
    for b in (
        Benchmark(
            name="kws",
            title="keyword spotting",
            model_id="kws01",
            element="int8",
            input_shape=(1, 49, 10, 1),
            input_bytes=490,
            buffer_bytes=490,
            file_bytes=490,
            stride_bytes=0,
            labels=("Down", "Go", "Left", "No", "Off", "On", "Right", "Stop", "Up", "Yes", "Silence", "Unknown"),
            metric="top1",
            target=0.90,
            samples=1000,
            inferences=70,
            warmups=10,
            wire_scale=0.5847029089927673,
            wire_zero_point=83,
        ),
        Benchmark(
            name="vww",
            title="visual wake words",
            model_id="vww01",
            element="uint8",
            input_shape=(1, 96, 96, 3),
            input_bytes=27648,
            buffer_bytes=27648,
            file_bytes=27648,
            stride_bytes=0,
            labels=("non_person", "person"),
            metric="top1",
            target=0.80,
            samples=1000,
            inferences=20,
            warmups=5,
            wire_scale=1.0,
            wire_zero_point=-128,
        ),
        Benchmark(
            name="ic",
            title="image classification",
            model_id="ic01",
            element="uint8",
            input_shape=(1, 32, 32, 3),
            input_bytes=3072,
            buffer_bytes=3072,
            file_bytes=3072,
            stride_bytes=0,
            labels=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
            metric="top1",
            target=0.85,
            samples=200,
            inferences=20,
            warmups=5,
            wire_scale=1.0,
            wire_zero_point=-128,
        ),
        Benchmark(
            name="ad",
            title="anomaly detection",
            model_id="ad01",
            element="float32",
            input_shape=(1, 640),
            input_bytes=2560,
            buffer_bytes=5120,
            file_bytes=102400,
            stride_bytes=512,
            labels=("normal", "anomaly"),
            metric="auc",
            target=0.85,
            samples=248,
            inferences=1500,
            warmups=10,
            wire_scale=1.0,
            wire_zero_point=0,
        ),
    )
}

BENCHMARKS = {
    **_OF_THE_FIRST_ROUNDS,
    # From round v1.4, only together with ic: the same inputs, classes and commands, a larger model.
    "ic2": replace(
        _OF_THE_FIRST_ROUNDS["ic"],
        name="ic2",
        title="image classification, larger model",
        model_id="ic02",
        target=0.91,
        inputs_of="ic",
    ),
    # From round v1.3: one file of 1200 s with 50 words, played to the board.
    "sww": Benchmark(
        name="sww",
        title="streaming wakeword",
        model_id="sww01",
        element="int16",
        input_shape=(1, 30, 1, 40),
        input_bytes=1024,
        buffer_bytes=2048,
        file_bytes=1024,
        stride_bytes=0,
        labels=("wakeword", "silent", "other"),
        metric="f1",
        target=0.84,
        samples=50,
        inferences=300,
        warmups=10,
        wire_scale=0.003701042616739869,
        wire_zero_point=-128,
        streams=True,
    ),
}


def of_model_id(model_id: str) -> Benchmark | None:
    """The benchmark whose firmware calls its model so; None where none does."""
    return next((known for known in BENCHMARKS.values() if known.model_id == model_id), None)


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises: UsageError: no such benchmark; the closest name is suggested.
    """
    try:
        return BENCHMARKS[name]
    except KeyError:
        if name.endswith(".tflite"):
            raise UsageError(
                f"unknown benchmark '{name}': it is a file's name", hint=f"did you mean '--model {name}'?"
            ) from None
        raise UsageError(
            f"unknown benchmark '{name}'", hint=f"{meant(name, BENCHMARKS)}choose one of {', '.join(BENCHMARKS)}"
        ) from None
