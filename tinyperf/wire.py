"""The codes that cross the serial line, said once for the host; `app/tp_tensor.c` is the firmware's side of it.

Inputs arrive as bytes and become codes of the model's input tensor; outputs leave as real values with three decimals.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines import ends
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.benchmark import Benchmark
    from tinyperf.tflite import Model, Tensor

LARGEST_MILLI = 1 << 31
"""Results in thousandths are 32-bit integers in the firmware's table."""


def check_model(model: Model, benchmark: Benchmark | None) -> None:
    """Refuses a model whose input or output does not fit.

    Raises: ModelError: the ends are not what a firmware takes, or not of the benchmark's sizes.
    """
    ends.check(model)
    if benchmark is None:
        return
    outputs = math.prod(benchmark.input_shape) if benchmark.metric == "auc" else len(benchmark.labels)
    for role, tensor, wanted in (
        ("input", model.input, math.prod(benchmark.input_shape)),
        ("output", model.output, outputs),
    ):
        if math.prod(tensor.shape) != wanted:
            raise ModelError(
                f"{model.name}: {role} {list(tensor.shape)} has {math.prod(tensor.shape)} elements, "
                f"{benchmark.name} has {wanted}",
                means=f"this is not a model of {benchmark.title}",
                hint="name the benchmark it was made for, or none at all to run it as a model of your own",
            )


def quantization(tensor: Tensor) -> tuple[float, int]:
    """Scale and zero point of a tensor that has one of each.

    Raises: ModelError: it has none.
    """
    if tensor.quantization is None:
        raise ModelError(
            f"tensor '{tensor.name}' has no quantization",
            means="this is not a fully quantized int8 model",
            hint="'tinyperf quantize' makes one",
        )
    return tensor.quantization.scale[0], tensor.quantization.zero_point[0]


def quantized(real: npt.NDArray[np.float32], tensor: Tensor) -> npt.NDArray[np.int8]:
    """clamp(round(real / scale) + zero_point, -128, 127) in float32, half away from zero as C's roundf."""
    scale, zero_point = quantization(tensor)
    steps = real / np.float32(scale)
    whole = np.trunc(steps)
    # Not trunc(x + 0.5): in float32 that takes 0.49999997 up to 1.
    whole += np.where(np.abs(steps - whole) >= np.float32(0.5), np.sign(steps), np.float32(0.0))
    codes: npt.NDArray[np.int8] = np.clip(whole + np.float32(zero_point), -128, 127).astype(np.int8)
    return codes


def input_codes(benchmark: Benchmark | None, tensor: Tensor) -> npt.NDArray[np.int8]:
    """int8 [256]: the input code of each wire byte. For everything but ad, whose wire carries float32.

    - Own model: the byte is the code.
    - Pixels: code = pixel - 128. The int8 range of an image model spans its pixel range, however its training
      scaled the pixels (0..1, -1..1 or not at all), so the shift is right for each of them.
    - kws: the byte is a code of the reference model. Equal scale and zero point: the code; otherwise the real value is
      kept, and `quantized` anew.
    """
    raw = np.arange(256, dtype=np.uint8)
    codes: npt.NDArray[np.int8] = raw.view(np.int8)
    if benchmark is None:
        return codes
    if benchmark.element == "uint8":
        pixels: npt.NDArray[np.int8] = (raw.astype(np.int16) - 128).astype(np.int8)
        return pixels
    scale, zero_point = quantization(tensor)
    wire_scale = np.float32(benchmark.wire_scale)
    if (np.float32(scale), zero_point) == (wire_scale, benchmark.wire_zero_point):
        return codes
    return quantized((codes.astype(np.float32) - np.float32(benchmark.wire_zero_point)) * wire_scale, tensor)


def to_tensor(benchmark: Benchmark | None, wire: bytes, tensor: Tensor) -> npt.NDArray[np.int8]:
    """Wire bytes as input codes of `tensor`, as the firmware converts them.

    Args:
        benchmark: says what the bytes are; None: raw int8 codes of a custom model.
        wire: one input, or several back to back.
        tensor: the model's int8 input with its quantization.
    Returns: int8 [n, *tensor.shape[1:]], n = 1 for one input.
    """
    if benchmark is not None and benchmark.element == "float32":
        codes = quantized(np.frombuffer(wire, "<f4"), tensor)
    else:
        codes = input_codes(benchmark, tensor)[np.frombuffer(wire, np.uint8)]
    return codes.reshape(-1, *tensor.shape[1:])


def thousandths(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """float32 `values` times 1000, halves to even, as whole numbers in float64.

    A float32 times 1000 is exact in float64 (24 + 7 bits), so this is what C's `%.3f` prints without its point.
    """
    rounded: npt.NDArray[np.float64] = np.rint(values.astype(np.float64) * 1000.0)
    return rounded


def three_decimals(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """What the firmware prints of float32 `values`, parsed back."""
    return thousandths(values) / 1000.0


def output_milli(tensor: Tensor) -> tuple[int, ...]:
    """Real value of each output code (-128 first) in thousandths: float32 scale * (code - zero point), halves to even.

    Raises: ModelError: the scale is so large that thousandths do not fit 32 bits.
    """
    scale, zero_point = quantization(tensor)
    codes = np.arange(-128, 128, dtype=np.float32) - np.float32(zero_point)
    with np.errstate(over="ignore"):
        reals = np.float32(scale) * codes
    if float(np.abs(reals).max()) * 1000 >= LARGEST_MILLI:
        raise ModelError(
            f"output scale {scale:g} is too large: results beyond two million cannot be printed",
            hint="scale the model's output down",
        )
    return tuple(map(int, thousandths(reals)))
