"""`tinyperf quantize`: a float Keras model to full int8 .tflite, and what that cost, layer by layer.

Fixed batch of 1, int8 input and output, convolutions per channel, fully connected layers per tensor (some vendor tools
read only the first scale of one) unless asked otherwise. An activation's range is what it had over the calibration
samples: its minimum and maximum, or the percentiles that a benchmark's task or the user names.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.benchmark import benchmark as find_benchmark
from tinyperf.datasets import originals
from tinyperf.errors import DataError, ModelError, UsageError
from tinyperf.learn import arrays, reference, train
from tinyperf.learn.silence import silent_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tinyperf.learn.recipe import Floats

COMPARED = 1000
"""At most so many samples for float against int8."""
LAYER_SAMPLES = 32
BINS = 8192
"""Of the histogram of an activation, of which percentiles are read."""


@dataclass(frozen=True)
class LayerError:
    """Error of one operator's output: RMS of (int8 - float) relative to the RMS of float, errors before it included."""

    index: int
    op: str
    tensor: str
    relative_error: float


@dataclass(frozen=True)
class Quantized:
    """`metric`: what the two values are (`top1` fraction right, `mse` reconstruction error), None without labels.

    They are measured on `samples` validation inputs of the run, or on the labelled calibration file; never on official
    inputs ('tinyperf evaluate' does that). `layers`: worst first.
    """

    benchmark: str
    tflite: str
    sha256: str
    size_bytes: int
    calibration: str
    percentile: float
    fc_per_channel: bool
    metric: str | None
    float_value: float | None
    int8_value: float | None
    samples: int
    layers: tuple[LayerError, ...]


def quantize_run(
    run: Path,
    out: Path,
    *,
    benchmark: str | None = None,
    percentile: float | None = None,
    fc_per_channel: bool = False,
) -> Quantized:
    """The model of a run folder of `tinyperf train`, calibrated by its benchmark's rule.

    `percentile`: as `quantize`; None is the benchmark's own.
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
        load(run / "model.keras"),
        out,
        benchmark=task.name,
        calibration=spanning(inputs, task.limits),
        rule=rule,
        compare=(task.plain(samples, rows), labels if (labels >= 0).all() else None),
        percentile=task.percentile if percentile is None else percentile,
        fc_per_channel=fc_per_channel,
    )


def quantize_file(
    model: Path,
    calibration: Path,
    out: Path,
    *,
    benchmark: str | None = None,
    percentile: float | None = None,
    fc_per_channel: bool = False,
) -> Quantized:
    """A Keras file or a SavedModel folder, calibrated with array `x` (and compared on labels `y`) of an .npz file.

    `x`: [n, ...] real values as the float model takes them. With a known `benchmark` the input range is the wire's.
    `percentile`: as `quantize`; None is minimum and maximum.
    Raises: ModelError: the model cannot be read, or is none of `benchmark`. DataError: the arrays do not fit it.
        MissingExtraError: no TensorFlow. DiskError: `out` cannot be written.
    """
    train.tensorflow()
    network = load(model)
    limits = None
    if benchmark:
        known = train.task(benchmark)
        limits, wanted = known.limits, find_benchmark(benchmark).input_shape[1:]
        if network.input_shape[1:] != wanted:
            raise ModelError(
                f"{model} takes {list(network.input_shape[1:])}, {benchmark} has {list(wanted)}",
                means="it is a model for something else",
                hint="leave BENCH out",
            )
    x, y = _read_calibration(calibration, network)
    return quantize(
        network,
        out,
        benchmark=benchmark or "custom",
        calibration=spanning(x, limits),
        rule=f"{len(x)} samples of {calibration.name}",
        compare=(x[:COMPARED], None if y is None else y[:COMPARED]),
        percentile=100.0 if percentile is None else percentile,
        fc_per_channel=fc_per_channel,
    )


def load(path: Path) -> Any:
    """A Keras model from .keras, .h5 or a SavedModel folder with one serving signature.

    Raises: ModelError: it cannot be read.
    """
    import keras

    if not path.exists():
        raise ModelError(f"{path} does not exist", hint="give a .keras or .h5 file, or a SavedModel folder")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = _load_saved_model(path) if path.is_dir() else reference.load_keras(path)
    except ModelError:
        raise
    except Exception as exc:  # Keras raises whatever its layers raise
        first = str(exc).strip().splitlines()[0][:200] if str(exc).strip() else type(exc).__name__
        raise ModelError(
            f"{path} cannot be read by Keras {keras.__version__}: {first}",
            means="a SavedModel of Keras 2 often cannot be loaded any more; a .keras or .h5 file travels better"
            if path.is_dir()
            else "damaged, or it needs layers of your own",
            hint="save the model with model.save('model.keras') from the version that made it",
        ) from exc
    _check(network, path)
    return network


def _check(network: Any, path: Path) -> None:
    """Raises: ModelError: not one input and one output of known size, or a layer on which the converter dies."""
    import keras

    shapes = [*(getattr(network, "inputs", None) or []), *(getattr(network, "outputs", None) or [])]
    if len(shapes) != 2 or any(None in tensor.shape[1:] for tensor in shapes):
        seen = ", ".join(str(list(tensor.shape)) for tensor in shapes) or "none: it was never built"
        raise ModelError(
            f"{path} has inputs and outputs {seen}",
            means="tinyperf measures models of one input and one output, all sizes known but the batch's",
            hint="build it with keras.Input(shape=...), and save it again",
        )
    layers = [layer for layer in network._flatten_layers() if isinstance(layer, keras.layers.RNN)]  # noqa: SLF001  (the only way into nested models)
    if layers:
        raise ModelError(
            f"{path} has a recurrent layer, {layers[0].name} ({type(layers[0]).__name__})",
            means="TensorFlow's converter has no int8 form for it that a microcontroller runtime takes, and crashes",
            hint="unroll it into dense or convolution layers",
        )


def _load_saved_model(path: Path) -> Any:
    import keras

    tf = train.tensorflow()
    signatures = tf.saved_model.load(str(path)).signatures
    (name,) = [n for n in signatures if n in ("serve", "serving_default")][:1] or ["serving_default"]
    specs = list(signatures[name].structured_input_signature[1].values())
    if len(specs) != 1:
        raise ModelError(
            f"{path} has {len(specs)} inputs",
            means="tinyperf measures models of one input and one output",
            hint="save a part of it that has one input",
        )
    (spec,) = specs
    inputs = keras.Input(batch_shape=(1, *spec.shape[1:]))
    outputs = keras.layers.TFSMLayer(str(path), call_endpoint=name)(inputs)
    return keras.Model(inputs, next(iter(outputs.values())) if isinstance(outputs, dict) else outputs)


def quantize(
    network: Any,
    out: Path,
    *,
    benchmark: str,
    calibration: Floats,
    rule: str,
    compare: tuple[Floats, Any],
    percentile: float,
    fc_per_channel: bool,
) -> Quantized:
    """Convert, write `out`, and compare float with int8 on `compare` = (inputs, int labels or None).

    `percentile`: an operator's output is clipped where this share of its values over `calibration` ends, at the other
    end likewise; 100 keeps minimum and maximum. What lies outside saturates, what lies inside is finer coded.

    Raises: ModelError: the converter refuses a layer.
    """
    fixed = _fixed_batch(network)
    content = _convert(fixed, calibration, percentile=percentile, fc_per_channel=fc_per_channel)
    inputs, labels = compare
    exact = _convert(fixed, None)
    before, after = run(exact, inputs), run(content, inputs)
    metric, values = _judge(before, after, inputs, labels)
    layers = layer_errors(exact, content, inputs[:LAYER_SAMPLES])
    originals.whole(out, lambda part: part.write_bytes(content))
    return Quantized(
        benchmark=benchmark,
        tflite=str(out),
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        calibration=rule,
        percentile=percentile,
        fc_per_channel=fc_per_channel,
        metric=metric,
        float_value=values[0],
        int8_value=values[1],
        samples=len(inputs),
        layers=layers,
    )


def _judge(before: Floats, after: Floats, inputs: Floats, labels: Any) -> tuple[str | None, tuple[Any, Any]]:
    if labels is not None:
        return "top1", (float((before.argmax(1) == labels).mean()), float((after.argmax(1) == labels).mean()))
    if before.shape == inputs.shape:
        return "mse", (float(((before - inputs) ** 2).mean()), float(((after - inputs) ** 2).mean()))
    return None, (None, None)


def _fixed_batch(network: Any) -> Any:
    """The same network for a batch of 1: an open batch size would put SHAPE, STRIDED_SLICE and PACK into the graph.

    Raises: ModelError: Keras cannot build it so.
    """
    import keras

    if network.input_shape[0] == 1:
        return network
    inputs = keras.Input(batch_shape=(1, *network.input_shape[1:]))
    try:
        return keras.Model(inputs, network(inputs))
    except Exception as exc:  # Keras raises whatever its layers raise
        raise ModelError(
            f"Keras cannot build the model for a batch of 1: {str(exc).strip().splitlines()[0][:200]}",
            means="it has no layers, or one that needs another batch",
            hint="build it from Keras layers, and save it again",
        ) from exc


def _convert(
    network: Any, calibration: Floats | None, *, percentile: float = 100.0, fc_per_channel: bool = False
) -> bytes:
    """The .tflite; float32 where there is no calibration."""
    tf = train.tensorflow()
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([row[None]] for row in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        converter._experimental_disable_per_channel_quantization_for_dense_layers = not fc_per_channel  # noqa: SLF001  (public only by this name)
        converter._experimental_calibrate_only = percentile < 100  # noqa: SLF001  (public only by this name)
    try:
        # Keras and the converter print while they work; stdout is the result's.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), silent_stderr():
            warnings.simplefilter("ignore")
            content: bytes = converter.convert()
            if calibration is not None and percentile < 100:
                content = _narrowed(content, calibration, percentile, fc_per_channel=fc_per_channel)
    except Exception as exc:  # the converter raises RuntimeError, ValueError and its own
        raise ModelError(
            f"TensorFlow's converter refuses the model: {str(exc).strip().splitlines()[0][:200]}",
            means="a layer that has no int8 form",
            hint="use layers that TensorFlow Lite Micro has: convolution, dense, pooling, add, softmax, ReLU",
        ) from exc
    return content


def _narrowed(calibrated: bytes, calibration: Floats, percentile: float, *, fc_per_channel: bool) -> bytes:
    """A float model that holds its calibrated ranges, to int8 with the ranges of the percentile."""
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.tools import flatbuffer_utils

    tf = train.tensorflow()
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(calibrated))
    graph = model.subgraphs[0]
    ranges = {}
    for index in {int(i) for op in graph.operators for i in op.outputs}:
        held = graph.tensors[index].quantization
        if held is not None and held.min is not None and held.max is not None and held.max[0] > held.min[0]:
            ranges[index] = held
    counts = {index: np.zeros(BINS, np.int64) for index in ranges}
    exact = interpreter(calibrated)
    for _ in _invocations(exact, calibration):
        for index, held in ranges.items():
            counts[index] += np.histogram(exact.get_tensor(index), BINS, (float(held.min[0]), float(held.max[0])))[0]
    for index, held in ranges.items():
        edges = np.linspace(float(held.min[0]), float(held.max[0]), BINS + 1)
        share = 100 * np.cumsum(counts[index]) / counts[index].sum()
        first, last = np.searchsorted(share, [100 - percentile, percentile - 1e-9], side="right")
        held.min, held.max = [float(edges[first])], [float(edges[min(last, BINS - 1) + 1])]
    content: bytes = mlir_quantize(
        bytes(flatbuffer_utils.convert_object_to_bytearray(model)),
        fully_quantize=True,
        input_data_type=tf.int8,
        output_data_type=tf.int8,
        disable_per_channel_for_dense_layers=not fc_per_channel,
    )
    return content


def interpreter(content: bytes) -> Any:
    """TensorFlow's own interpreter without delegates, every tensor kept, ready to invoke."""
    tf = train.tensorflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its move to ai-edge-litert
        made = tf.lite.Interpreter(
            model_content=content,
            num_threads=1,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
    made.allocate_tensors()
    return made


def run(content: bytes, inputs: Floats) -> Floats:
    """Real inputs [n, ...] through a float32 or int8 model; real outputs [n, ...]."""
    model = interpreter(content)
    output = model.get_output_details()[0]
    return np.concatenate([_real(model, output) for _ in _invocations(model, inputs)])


def layer_errors(float_model: bytes, int8_model: bytes, inputs: Floats) -> tuple[LayerError, ...]:
    """How far each operator's output strays from float's, worst first; the two graphs have the same operators."""
    exact, coded = interpreter(float_model), interpreter(int8_model)
    pairs = list(zip(_operators(exact), _operators(coded), strict=False))
    error, power = np.zeros(len(pairs)), np.zeros(len(pairs))
    for _ in zip(_invocations(exact, inputs), _invocations(coded, inputs), strict=True):
        for i, ((_, _, a), (_, _, b)) in enumerate(pairs):
            wanted, got = _real(exact, a), _real(coded, b)
            error[i] += ((got.reshape(wanted.shape) - wanted) ** 2).sum()
            power[i] += (wanted**2).sum()
    found = [
        LayerError(index, op, str(tensor["name"]), float(np.sqrt(e / max(p, 1e-30))))
        for (_, (index, op, tensor)), e, p in zip(pairs, error, power, strict=True)
    ]
    return tuple(sorted(found, key=lambda layer: -layer.relative_error))


def _operators(model: Any) -> list[tuple[int, str, dict[str, Any]]]:
    """(index, kind, details of the output tensor) of the operators that compute."""
    tensors = {details["index"]: details for details in model.get_tensor_details()}
    listed = model._get_ops_details()  # noqa: SLF001  (no public way to the operators)
    return [
        (op["index"], op["op_name"], tensors[int(op["outputs"][0])])
        for op in listed
        if op["op_name"] not in ("QUANTIZE", "DEQUANTIZE")
    ]


def _invocations(model: Any, inputs: Floats) -> Iterator[None]:
    """Invoke once per sample; int8 inputs are coded here, half to even."""
    entry = model.get_input_details()[0]
    scale, zero = entry["quantization"]
    for row in inputs:
        codes = row if entry["dtype"] == np.float32 else np.clip(np.rint(row / scale) + zero, -128, 127)
        model.set_tensor(entry["index"], codes[None].astype(entry["dtype"]))
        model.invoke()
        yield


def _real(model: Any, details: dict[str, Any]) -> Floats:
    """A tensor's content as real values."""
    values = model.get_tensor(details["index"])
    if values.dtype == np.float32:
        return np.asarray(values)
    scale, zero = details["quantization"]
    return np.asarray((values.astype(np.float32) - zero) * np.float32(scale))


def spanning(inputs: Floats, limits: tuple[float, float] | None) -> Floats:
    """Calibration inputs that span the wire's whole range, by two values of the first sample.

    The int8 code of an input is then the wire byte (or pixel - 128), and no conversion table is needed.
    """
    inputs = np.array(inputs, np.float32)
    if limits is not None:
        inputs[0].reshape(-1)[-2:] = limits
        inputs = np.clip(inputs, *limits)
    return inputs


def _read_calibration(path: Path, network: Any) -> tuple[Floats, Any]:
    """Inputs float32 [n, ...] and labels int64 [n], or None."""
    shape, classes = network.input_shape[1:], network.output_shape[1:]
    held = arrays.read(path)
    x, y = held.get("x"), held.get("y")
    hint = "numpy.savez(path, x=inputs, y=labels) writes one; y is optional"
    if x is None or x.shape[1:] != shape or not len(x) or x.dtype.kind not in "fiu":
        seen = {name: list(a.shape) for name, a in held.items()}
        raise DataError(
            f"{path} holds {seen}; an array x [n, {', '.join(map(str, shape))}] of numbers is needed",
            means="calibration inputs must be real values as the float model takes them",
            hint=hint,
        )
    with np.errstate(over="ignore"):
        real = x.astype(np.float32)
    if not np.isfinite(real).all():
        raise DataError(
            f"{path}: x reaches from {x.min():g} to {x.max():g}",
            means="that is more than float32 holds, which the model computes in",
            hint=hint,
        )
    if y is None:
        return real, None
    if (
        y.shape != (len(x),)
        or y.dtype.kind not in "iu"
        or len(classes) != 1
        or not 0 <= y.min() <= y.max() < classes[0]
    ):
        values = f" from {y.min()} to {y.max()}" if y.dtype.kind in "iu" else ""
        raise DataError(
            f"{path}: labels y {list(y.shape)} {y.dtype}{values} do not fit {len(x)} inputs, outputs {list(classes)}",
            means="y is one whole number for each input: which of the model's outputs should be the largest",
            hint=hint,
        )
    return real, y.astype(np.int64)
