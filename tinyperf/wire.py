"""What crosses the serial line, said once for the host; `app/tp_tensor.c` is the firmware's side of it.

Inputs arrive as bytes. Those of a benchmark become codes of the model's input tensor; of a model of one's own they are
its input tensors, one behind the other in its order, little-endian. Outputs leave one behind the other too: real values
with three decimals where they are quantized or floats, else whole numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf import wakeword
from tinyperf.engines import ends
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from tinyperf.benchmark import Benchmark
    from tinyperf.tflite import Model, Tensor

    Array = npt.NDArray[Any]

INPUT_DTYPES = ("int8", "uint8")
"""Of a model that a benchmark feeds; ad: int8."""


def check_model(model: Model, benchmark: Benchmark | None) -> None:
    """Refuses a model whose inputs or outputs do not fit.

    Raises: ModelError: the ends are not what a firmware takes, or not of the benchmark's sizes and types.
    """
    ends.check(model)
    if benchmark is None:
        return
    if seen := [*_ends_unlike(model, benchmark)]:
        raise ModelError(
            f"{model.name}: {'; '.join(seen)}",
            means=f"this is not a model of {benchmark.title}",
            hint="name the benchmark it was made for, or none at all to run it as a model of your own",
        )


def _ends_unlike(model: Model, benchmark: Benchmark) -> Iterator[str]:
    """What the benchmark's own models have otherwise."""
    autoencoder = benchmark.metric == "auc"
    elements = wakeword.MELS if benchmark.streams and model.stateful else math.prod(benchmark.input_shape)
    wanted = (
        ("input", model.input_tensors, elements, ("int8",) if autoencoder else INPUT_DTYPES),
        (
            "output",
            model.output_tensors,
            elements if autoencoder else len(benchmark.labels),
            ("int8",) if autoencoder else ends.DTYPES,
        ),
    )
    for role, tensors, count, dtypes in wanted:
        if len(tensors) > 1:
            yield f"it has {len(tensors)} {role} tensors, {benchmark.name} has one"
            continue
        (tensor,) = tensors
        if tensor.elements != count:
            yield f"{role} {list(tensor.shape)} has {tensor.elements} elements, {benchmark.name} has {count}"
        if tensor.dtype not in dtypes or (tensor.quantization is None and dtypes != ends.DTYPES):
            bare = "" if tensor.quantization else " without quantization"
            yield f"{role} is {tensor.dtype}{bare}, {benchmark.name} takes {' or '.join(dtypes)} with one"


def input_bytes(model: Model, benchmark: Benchmark | None) -> int:
    """What one inference takes on the line."""
    return benchmark.input_bytes if benchmark else sum(tensor.size_bytes for tensor in model.input_tensors)


def input_types(model: Model, benchmark: Benchmark | None) -> list[tuple[str, int]]:
    """Type (numpy's name) and elements of each input as the line carries it."""
    if benchmark is not None and benchmark.streams:
        return [(benchmark.element, benchmark.input_bytes // 2)]
    if benchmark is not None:
        return [(benchmark.element, math.prod(benchmark.input_shape))]
    return [(tensor.dtype, tensor.elements) for tensor in model.input_tensors]


def quantization(tensor: Tensor) -> tuple[float, int]:
    """Scale and zero point of a tensor that has one of each.

    Raises: ModelError: it has none.
    """
    if tensor.quantization is None:
        raise ModelError(
            f"tensor '{tensor.name}' has no quantization",
            means="its codes stand for no real values",
            hint="'tinyperf quantize' makes a model of which every tensor has one",
        )
    return tensor.quantization.scale[0], tensor.quantization.zero_point[0]


def quantized(real: npt.NDArray[np.float32], tensor: Tensor) -> Array:
    """clamp(round(real / scale) + zero_point) in float32, half away from zero as C's roundf; of the tensor's type."""
    scale, zero_point = quantization(tensor)
    steps = real / np.float32(scale)
    whole = np.trunc(steps)
    # Not trunc(x + 0.5): in float32 that takes 0.49999997 up to 1.
    whole += np.where(np.abs(steps - whole) >= np.float32(0.5), np.sign(steps), np.float32(0.0))
    limits = np.iinfo(tensor.dtype)
    codes: Array = np.clip(whole + np.float32(zero_point), limits.min, limits.max).astype(tensor.dtype)
    return codes


def input_codes(benchmark: Benchmark, tensor: Tensor) -> Array:
    """[256] of the tensor's type: the input code of each wire byte. For everything but ad, whose wire carries float32.

    - Pixels: the code of int8 is pixel - 128, of uint8 the pixel. The range of an image model spans its pixel range,
      however its training scaled the pixels (0..1, -1..1 or not at all), so that is right for each of them.
    - kws: the byte is an int8 code of the reference model. Equal scale and zero point: the code; otherwise the real
      value is kept, and `quantized` anew.
    """
    raw = np.arange(256, dtype=np.uint8)
    if benchmark.element == "uint8":
        return raw if tensor.dtype == "uint8" else (raw.astype(np.int16) - 128).astype(np.int8)
    codes = raw.view(np.int8)
    scale, zero_point = quantization(tensor)
    wire = (np.float32(benchmark.wire_scale), benchmark.wire_zero_point)
    if tensor.dtype == "int8" and (np.float32(scale), zero_point) == wire:
        return codes
    return quantized((codes.astype(np.float32) - np.float32(benchmark.wire_zero_point)) * wire[0], tensor)


def to_tensors(benchmark: Benchmark | None, wire: bytes, model: Model) -> tuple[Array, ...]:
    """Wire bytes as what the firmware makes of them: an array [n, *shape] for each input tensor, of its type.

    Args:
        benchmark: says what the bytes are; None: the tensors of a custom model.
        wire: one input, or `n` of them back to back.
    """
    if benchmark is not None and benchmark.streams:
        return (_of_sound(np.frombuffer(wire, "<i2").reshape(-1, wakeword.HOP), model.input),)
    if benchmark is not None:
        floats = benchmark.element == "float32"
        bytes_ = np.frombuffer(wire, "<f4" if floats else np.uint8)
        codes = quantized(bytes_, model.input) if floats else input_codes(benchmark, model.input)[bytes_]
        return (codes.reshape(-1, *model.input.shape),)
    rows = np.frombuffer(wire, np.uint8).reshape(-1, input_bytes(model, None))
    arrays, at = [], 0
    for tensor in model.input_tensors:
        part = np.ascontiguousarray(rows[:, at : at + tensor.size_bytes])
        arrays.append(part.view(np.dtype(tensor.dtype).newbyteorder("<")).reshape(-1, *tensor.shape))
        at += tensor.size_bytes
    return tuple(arrays)


def _of_sound(frames: npt.NDArray[np.int16], tensor: Tensor) -> Array:
    """Each frame [n, 512] for itself, after silence, as the model's input [n, *shape]."""
    scale, zero_point = quantization(tensor)
    codes = [wakeword.inputs(wakeword.codes(wakeword.features(one), scale, zero_point)) for one in frames]
    return np.concatenate(codes).reshape(-1, *tensor.shape)


def printed(model: Model, outputs: Iterable[Array]) -> npt.NDArray[np.float64]:
    """What the firmware prints, parsed back: float64 [n, values of all outputs].

    Args: outputs: an array [n, ...] for each output tensor, of its type.
    """
    columns = [_values(rows.reshape(len(rows), -1), t) for rows, t in zip(outputs, model.output_tensors, strict=True)]
    return np.concatenate(columns, axis=1)


def _values(rows: Array, tensor: Tensor) -> npt.NDArray[np.float64]:
    if rows.dtype.kind == "f":
        return three_decimals(rows)
    if tensor.quantization is None:
        return rows.astype(np.float64)
    return three_decimals(real(rows, tensor))


def real(codes: Array, tensor: Tensor) -> npt.NDArray[np.float32]:
    """float32 scale * (code - zero point): what DEQUANTIZE makes of them."""
    scale, zero_point = quantization(tensor)
    with np.errstate(over="ignore"):
        values: npt.NDArray[np.float32] = (codes.astype(np.int64) - zero_point).astype(np.float32) * np.float32(scale)
    return values


def real_range(tensor: Tensor) -> tuple[float, float]:
    """The least and the greatest real value of a tensor; of floats and of integers without a scale, any."""
    if tensor.quantization is None or tensor.dtype not in {"int8", "uint8", "int16"}:
        return -math.inf, math.inf
    limits = np.iinfo(tensor.dtype)
    low, high = real(np.array([limits.min, limits.max]), tensor).tolist()
    return low, high


def thousandths(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """float32 `values` times 1000, halves to even, as whole numbers in float64.

    A float32 times 1000 is exact in float64 (24 + 7 bits), so this is what C's `%.3f` prints without its point.
    """
    rounded: npt.NDArray[np.float64] = np.rint(values.astype(np.float64) * 1000.0)
    return rounded


def three_decimals(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """What the firmware prints of float32 `values`, parsed back."""
    return thousandths(values) / 1000.0
