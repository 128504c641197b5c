"""`tinyperf quantize`: a float model to full int8 .tflite, and what that cost, layer by layer.

Fixed batch of 1, int8 inputs and outputs, convolutions per channel, fully connected layers per tensor (some vendor
tools read only the first scale of one) unless asked otherwise. An activation's range is what it had over the
calibration samples: its minimum and maximum, or the percentiles that a benchmark's task or the user names.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinyperf.benchmark import benchmark as find_benchmark
from tinyperf.datasets import originals
from tinyperf.errors import ModelError, UsageError
from tinyperf.figures import figure
from tinyperf.learn import arrays, calibration, sources, train
from tinyperf.learn.interpreter import interpreter, invocations, operators, outputs, real
from tinyperf.learn.silence import silent_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.learn.sources import Port, Source

    Floats = npt.NDArray[np.float32]
    Progress = Callable[[str, int, int], None]

Activations = Literal["int8", "int16"]

COMPARED = 1000
"""At most so many samples for float against int8."""
LAYER_SAMPLES = 32
BINS = 8192
"""Of the histogram of an activation, of which percentiles are read."""
IMPORT_SAMPLES = 2
MOST_IMPORT_ERROR = 1e-3
"""Relative to the largest output: float32 in another order gives some 1e-6; more is another function."""
CLIPPED = 0.001
"""The share of a layer's values outside its range that is worth a warning."""


@dataclass(frozen=True)
class LayerError:
    """Error of one operator's output: RMS of (int8 - float) relative to the RMS of float, errors before it included.

    clipped: the share of its float values that lie outside the range of its codes.
    """

    index: int
    op: str
    tensor: str
    relative_error: float
    clipped: float


@dataclass(frozen=True)
class End:
    """An input or output of the .tflite: real = scale * (code - zero_point).

    shape: batch 1. source_shape: where the source has its dimensions in another order, else equal.
    """

    name: str
    shape: tuple[int, ...]
    source_shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Quantized:
    """`metric`: what the two values are (`top1` fraction right, `mse` of a reconstruction or regression), or None.

    They are measured on `samples` validation inputs of the run, or on the labelled calibration file; never on official
    inputs ('tinyperf evaluate' does that). `layers`: worst first. `import_error`: the largest difference between the
    source in its own runtime and the float .tflite made of it, relative to the largest output; None where TensorFlow
    made both. `warnings`: what looks wrong, in sentences.
    """

    benchmark: str
    source: str
    form: str
    tflite: str
    sha256: str
    size_bytes: int
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]
    activations: Activations
    calibration: str
    percentile: float
    fc_per_channel: bool
    import_error: float | None
    metric: str | None
    float_value: float | None
    int8_value: float | None
    samples: int
    layers: tuple[LayerError, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Coding:
    """How values become codes.

    percentile: an operator's output is clipped where this share of its values over the calibration ends, at the other
        end likewise; 100 keeps minimum and maximum. What lies outside saturates, what lies inside is finer coded.
    activations: int16 has weights of 8 bits all the same.
    """

    percentile: float = 100.0
    fc_per_channel: bool = False
    activations: Activations = "int8"


def quantize_run(
    run: Path,
    out: Path,
    *,
    benchmark: str | None = None,
    percentile: float | None = None,
    fc_per_channel: bool = False,
    progress: Progress = lambda *_: None,
) -> Quantized:
    """The model of a run folder of `tinyperf train`, calibrated by its benchmark's rule.

    `percentile`: as `Coding`; None is the benchmark's own.
    Raises: UsageError: no finished epoch in `run`, or it is a run of another `benchmark`. DataError: its data are gone.
        MissingExtraError: no TensorFlow. DiskError: `out` cannot be written.
    """
    begun = train.read_run(run, benchmark)
    train.tensorflow()
    if not (run / "model.keras").is_file():
        raise UsageError(
            f"no model.keras in {run}", hint=f"'tinyperf train --resume {run}' finishes an interrupted run"
        )
    begun["data"].pop(train.task(begun["benchmark"]).teacher_file, None)  # it has taught
    task, _, found = train.parts_of(begun)
    folder = next(path.parent for name, path in found.items() if name in task.files)
    beside = {name: folder / name for name in task.extras if (folder / name).is_file()}
    loadable = {**beside, **found}
    samples, _ = train.drop_official(task, task.load(loadable, begun["seed"]))
    inputs, rule = task.calibration(samples, loadable)
    rows = samples.rows(validation=True)
    rows = rows[:: max(1, len(rows) // COMPARED)][:COMPARED]
    labels = samples.y[rows // samples.windows]
    return quantize(
        sources.load(run / "model.keras"),
        out,
        benchmark=task.name,
        inputs=(spanning(inputs, task.limits),),
        rule=rule,
        compare=((task.plain(samples, rows),), labels if (labels >= 0).all() else None),
        coding=Coding(task.percentile if percentile is None else percentile, fc_per_channel),
        progress=progress,
    )


def quantize_file(
    model: Path,
    samples: Path,
    out: Path,
    *,
    benchmark: str | None = None,
    percentile: float | None = None,
    fc_per_channel: bool = False,
    activations: Activations = "int8",
    keep_layout: bool = False,
    progress: Progress = lambda *_: None,
) -> Quantized:
    """A float model of any form of `tinyperf.learn.sources`, calibrated with (and compared on) arrays of an .npz file.

    samples: `x` [n, ...], or an array for each input by its name: real values as the model takes them; labels `y`.
    benchmark: the input range is that one's on the wire. `percentile`: as `Coding`; None is minimum and maximum.
    keep_layout: see `sources.Options`.
    Raises: ModelError: the model cannot be read or translated, or is none of `benchmark`. DataError: the arrays do not
        fit it. MissingExtraError: what reads it is not installed. DiskError: `out` cannot be written.
    """
    coding = Coding(100.0 if percentile is None else percentile, fc_per_channel, activations)
    if coding.activations == "int16" and coding.percentile < 100:
        raise UsageError("--percentile together with int16 activations", hint="int16 has codes enough; leave it out")
    held = arrays.read(samples)  # what is wrong with it is said before TensorFlow is loaded
    progress("reading the model", 0, 0)
    source = sources.load(model, sources.Options(keep_layout=keep_layout))
    limits = _limits(source, benchmark) if benchmark else None
    found = calibration.fitted(samples, held, source)
    progress("judging the calibration inputs", 0, 0)
    notes = calibration.judged(found, source)
    inputs = found.inputs if limits is None else (spanning(found.inputs[0], limits),)
    labels = None if found.labels is None else found.labels[:COMPARED]
    return quantize(
        source,
        out,
        benchmark=benchmark or "custom",
        inputs=inputs,
        rule=f"{len(found)} samples of {samples.name}",
        compare=(tuple(x[:COMPARED] for x in inputs), labels),
        coding=coding,
        notes=notes,
        progress=progress,
    )


def _limits(source: Source, benchmark: str) -> tuple[float, float] | None:
    """The range of the benchmark's inputs.

    Raises: ModelError: the model takes something else.
    """
    known = train.task(benchmark)
    wanted, shapes = find_benchmark(benchmark).input_shape[1:], [port.shape[1:] for port in source.inputs]
    if shapes != [wanted]:
        raise ModelError(
            f"{source.path} takes {' and '.join(str(list(s)) for s in shapes)}, {benchmark} has {list(wanted)}",
            means="it is a model for something else",
            hint="leave BENCH out",
        )
    return known.limits


def quantize(
    source: Source,
    out: Path,
    *,
    benchmark: str,
    inputs: Sequence[Floats],
    rule: str,
    compare: tuple[Sequence[Floats], npt.NDArray[Any] | None],
    coding: Coding,
    notes: Sequence[str] = (),
    progress: Progress = lambda *_: None,
) -> Quantized:
    """Convert, write `out`, and compare float with int8 on `compare` = (inputs, labels or None).

    inputs: for each of the model's, calibration values [n, ...] as its .tflite has them.

    Raises: ModelError: the quantizer refuses an operator, or the translated model is not what the source was.
    """
    import_error = _import_error(source, inputs)
    content = _coded(source, inputs, coding, progress)
    compared, labels = compare
    progress("comparing float with int8", 0, 0)
    before, after = outputs(source.content, compared), outputs(content, compared)
    metric, values = _judge(before, after, compared, labels)
    layers = layer_errors(source.content, content, [x[:LAYER_SAMPLES] for x in compared])
    originals.whole(out, lambda part: part.write_bytes(content))
    return Quantized(
        benchmark=benchmark,
        source=source.path,
        form=source.form,
        tflite=str(out),
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        inputs=_ends(interpreter(content).get_input_details(), source.inputs),
        outputs=_ends(interpreter(content).get_output_details(), source.outputs),
        activations=coding.activations,
        calibration=rule,
        percentile=coding.percentile,
        fc_per_channel=coding.fc_per_channel,
        import_error=import_error,
        metric=metric,
        float_value=values[0],
        int8_value=values[1],
        samples=len(compared[0]),
        layers=layers,
        warnings=(*notes, *_afterwards(content, layers, coding)),
    )


def _ends(details: Sequence[dict[str, Any]], ports: Sequence[Port]) -> tuple[End, ...]:
    return tuple(
        End(port.name, port.shape, port.given, float(entry["quantization"][0]), int(entry["quantization"][1]))
        for entry, port in zip(details, ports, strict=True)
    )


def _import_error(source: Source, inputs: Sequence[Floats]) -> float | None:
    """How far the float .tflite is from the source in its own runtime.

    Raises: ModelError: so far that it is another function.
    """
    if source.exact is None:
        return None
    worst = 0.0
    for number in range(min(IMPORT_SAMPLES, len(inputs[0]))):
        rows = [x[number : number + 1] for x in inputs]
        wanted = source.exact([port.returned(row) for port, row in zip(source.inputs, rows, strict=True)])
        for port, made, value in zip(source.outputs, outputs(source.content, rows), wanted, strict=True):
            right = port.moved(np.asarray(value, np.float32).reshape(port.given))
            worst = max(worst, float(np.abs(made - right).max() / max(np.abs(right).max(), 1e-30)))
    if not worst <= MOST_IMPORT_ERROR:
        raise ModelError(
            f"{source.path}: translated to TensorFlow it differs from {source.form} in its own runtime by "
            f"{figure(100 * worst, 2)} % of the largest output",
            means="an operator is translated wrongly: a defect of tinyperf",
            hint="report it with the model; a float .tflite made by other means can be quantized instead",
        )
    return worst


def _coded(source: Source, inputs: Sequence[Floats], coding: Coding, progress: Progress) -> bytes:
    """The float .tflite with the ranges that its tensors take over `inputs`, as codes.

    Raises: ModelError: an operator has no such form.
    """
    tf = train.tensorflow()
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    def fed() -> Iterator[list[Floats]]:
        for number, rows in enumerate(zip(*inputs, strict=True)):
            progress("calibrating", number, len(inputs[0]))
            yield [row[None] for row in rows]

    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), silent_stderr():
            warnings.simplefilter("ignore")
            calibrator = Calibrator(source.content)
            if coding.activations == "int16":
                wide: bytes = calibrator.calibrate_and_quantize(
                    fed,
                    tf.int16,
                    tf.int16,
                    allow_float=False,
                    activations_type=tf.int16,
                    bias_type=tf.int64,
                    disable_per_channel_quantization_for_dense_layers=not coding.fc_per_channel,
                )
                return wide
            ranged = calibrator.calibrate(fed)
            if coding.percentile < 100:
                ranged = _narrowed(ranged, inputs, coding.percentile)
            content: bytes = mlir_quantize(
                ranged,
                fully_quantize=True,
                input_data_type=tf.int8,
                output_data_type=tf.int8,
                disable_per_channel_for_dense_layers=not coding.fc_per_channel,
            )
    except Exception as exc:  # the quantizer raises RuntimeError, ValueError and its own
        raise ModelError(
            f"TensorFlow's quantizer refuses the model: {str(exc).strip().splitlines()[0][:200]}",
            means=f"an operator that has no {coding.activations} form",
            hint="use layers that TensorFlow Lite Micro has: convolution, dense, pooling, add, softmax, ReLU",
        ) from exc
    return content


def _narrowed(calibrated: bytes, inputs: Sequence[Floats], percentile: float) -> bytes:
    """A float model that holds its calibrated ranges, with the ranges of the percentile in their place."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(calibrated))
    graph = model.subgraphs[0]
    ranges = {}
    for index in {int(i) for op in graph.operators for i in op.outputs}:
        held = graph.tensors[index].quantization
        if held is not None and held.min is not None and held.max is not None and held.max[0] > held.min[0]:
            ranges[index] = held
    counts = {index: np.zeros(BINS, np.int64) for index in ranges}
    exact = interpreter(calibrated)
    for _ in invocations(exact, inputs):
        for index, held in ranges.items():
            counts[index] += np.histogram(exact.get_tensor(index), BINS, (float(held.min[0]), float(held.max[0])))[0]
    for index, held in ranges.items():
        edges = np.linspace(float(held.min[0]), float(held.max[0]), BINS + 1)
        share = 100 * np.cumsum(counts[index]) / counts[index].sum()
        first, last = np.searchsorted(share, [100 - percentile, percentile - 1e-9], side="right")
        held.min, held.max = [float(edges[first])], [float(edges[min(last, BINS - 1) + 1])]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _judge(
    before: Sequence[Floats], after: Sequence[Floats], inputs: Sequence[Floats], labels: npt.NDArray[Any] | None
) -> tuple[str | None, tuple[float | None, float | None]]:
    if labels is not None and labels.dtype.kind in "iu":
        return "top1", (calibration.right(before[0], labels), calibration.right(after[0], labels))
    wanted = labels
    if wanted is None and len(before) == len(inputs) == 1 and before[0].shape == inputs[0].shape:
        wanted = inputs[0]
    if wanted is None:
        return None, (None, None)
    return "mse", (float(((before[0] - wanted) ** 2).mean()), float(((after[0] - wanted) ** 2).mean()))


def _afterwards(content: bytes, layers: Sequence[LayerError], coding: Coding) -> Iterator[str]:
    """What the finished model shows: operators that stayed float, layers that lose values at their ends."""
    model = interpreter(content)
    floats = Counter(kind for _, kind, tensor in operators(model) if tensor["dtype"] == np.float32)
    if floats:
        listed = ", ".join(f"{kind} ({count})" for kind, count in sorted(floats.items()))
        yield f"TensorFlow's quantizer has no {coding.activations} form of {listed}: they stayed float32"
    clipped = [layer for layer in layers if layer.clipped > CLIPPED]
    if clipped:
        worst = max(clipped, key=lambda layer: layer.clipped)
        yield (
            f"{len(clipped)} layers have values outside the range of their codes, op {worst.index} {worst.op} "
            f"{figure(100 * worst.clipped, 1)} % of them"
        )


def layer_errors(float_model: bytes, int8_model: bytes, inputs: Sequence[Floats]) -> tuple[LayerError, ...]:
    """How far each operator's output strays from float's, worst first; the two graphs have the same operators."""
    exact, coded = interpreter(float_model), interpreter(int8_model)
    pairs = _paired(operators(exact), operators(coded))
    error, power, outside, count = (np.zeros(len(pairs)) for _ in range(4))
    for _ in zip(invocations(exact, inputs), invocations(coded, inputs), strict=True):
        for i, ((_, _, a), (_, _, b)) in enumerate(pairs):
            wanted, got = real(exact, a), real(coded, b)
            error[i] += ((got.reshape(wanted.shape) - wanted) ** 2).sum()
            power[i] += (wanted**2).sum()
            outside[i] += _outside(wanted, b)
            count[i] += wanted.size
    found = [
        LayerError(index, op, str(tensor["name"]), float(np.sqrt(e / max(p, 1e-30))), float(o / max(n, 1)))
        for (_, (index, op, tensor)), e, p, o, n in zip(pairs, error, power, outside, count, strict=True)
    ]
    return tuple(sorted(found, key=lambda layer: -layer.relative_error))


def _paired(exact: list[Any], coded: list[Any]) -> list[tuple[Any, Any]]:
    """Operators of both that are the same one, by kind and number among those of its kind."""

    def numbered(listed: list[Any]) -> dict[tuple[str, int], Any]:
        seen: Counter[str] = Counter()
        found = {}
        for op in listed:
            found[op[1], seen[op[1]]] = op
            seen[op[1]] += 1
        return found

    ours, theirs = numbered(exact), numbered(coded)
    return [
        (ours[key], op)
        for key, op in theirs.items()
        if key in ours and np.prod(ours[key][2]["shape"]) == np.prod(op[2]["shape"])
    ]


def _outside(values: Floats, details: dict[str, Any]) -> int:
    """How many values lie more than half a code outside the range of a tensor's codes."""
    if details["dtype"] == np.float32:
        return 0
    scale, zero = details["quantization"]
    ends = np.iinfo(details["dtype"])
    low, high = (ends.min - 0.5 - zero) * scale, (ends.max + 0.5 - zero) * scale
    return int(((values < low) | (values > high)).sum())


def spanning(inputs: Floats, limits: tuple[float, float] | None) -> Floats:
    """Calibration inputs that span the wire's whole range, by two values of the first sample.

    The int8 code of an input is then the wire byte (or pixel - 128), and no conversion table is needed.
    """
    inputs = np.array(inputs, np.float32)
    if limits is not None:
        inputs[0].reshape(-1)[-2:] = limits
        inputs = np.clip(inputs, *limits)
    return inputs
