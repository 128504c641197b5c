"""Random layers at the edges of what the kernels for the DSP instructions are licensed to do, as .tflite files.

Scales are often powers of two, so that sums meet the ties of both roundings; biases push them to both ends of the
range, or are as large as a dead channel's; zero points stand at the ends.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.graphs import O, T, build, constant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from tinyperf.engines.aot.operators._sample import Random

Pair = tuple[int, int]


def _made(random: Random, given: Pair, kernel: Pair, dilation: Pair = (1, 1), most_stride: int = 1) -> Any:
    """Size of the output and options of a window that fits."""
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    fits = all(size >= r for size, r in zip(given, reach, strict=True))
    valid = fits and random.pick(True, False)
    stride = [random.integer(1, most_stride) for _ in range(2)]
    made = [-(-(n - (r - 1) * valid) // s) for n, r, s in zip(given, reach, stride, strict=True)]
    options = {"padding": int(valid), "strideH": stride[0], "strideW": stride[1]}
    return made, options | {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}


def _scales(random: Random, count: int, taps: int, *, uniform: bool) -> list[float]:
    """Such that outputs mostly reach both ends of the codes: powers of two, halves of the time."""
    exponent = math.log2(taps) / 2 + random.pick(2, 5, 7, 7, 9, 12)
    spread = random.pick(0, 0, 1, 3, 6)
    draw = random.generator
    exponents = np.floor(exponent + draw.integers(0, spread + 1, count))
    fractions = np.where(draw.random(count) < random.pick(0.0, 0.5, 1.0), 0.5, draw.uniform(0.5, 1, count))
    scales = [float(np.float32(scale)) for scale in fractions * 2.0**-exponents]
    if random.integer(0, 9) == 0:
        scales[-1] = 1e-12  # flushed
    if random.integer(0, 19) == 0:
        scales[0] = random.pick(1.0, 0.7, 3.0)  # to the left, or not at all
    return scales[:1] if uniform else scales


def _bias(random: Random, count: int, taps: int, dtype: str = "int32") -> npt.NDArray[Any]:
    most = random.pick(0, 100, 4000, 130 * taps, 2**17, 2**20, 2**24)
    bias = random.generator.integers(-most, most + 1, count).astype(dtype)
    if random.integer(0, 9) == 0:
        bias[0] = random.pick(2**29, -(2**29), 2**27, -(2**22))
    return bias


def _weights(random: Random, *shape: int) -> npt.NDArray[np.int8]:
    """Now and then all of them at an end, or nearly all of them zero."""
    weights = random.weights(*shape)
    kind = random.integer(0, 11)
    if kind == 0:
        return np.full(shape, random.pick(127, -127), np.int8)
    if kind == 1:
        return np.where(random.generator.random(shape) < 0.9, np.int8(0), weights)
    return np.where(random.generator.random(shape) < 0.02, np.int8(-128), weights) if kind == 2 else weights


def _layer(
    random: Random,
    kind: str,
    shapes: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]],
    options: Mapping[str, Any],
    *,
    axis: int = 0,
    uniform: bool = False,
    relu: bool = False,
) -> bytes:
    """A layer with weights; `shapes`: of input, weights and output."""
    given, weights, made = shapes
    count, wide = weights[axis], random.given == "int16"
    taps = math.prod(weights) // count
    scales = _scales(random, count, taps, uniform=uniform)
    end = random.pick(1.0, 1.0, 0.0625, 0.0474)
    out_zero = -128 if relu else random.zero()
    biases = _bias(random, count, taps, random.pick("int64", "int32") if wide and axis == 0 else "int32")
    if wide and axis:
        biases = biases.astype(np.int64)
    if wide:
        scales = [s * 2.0 ** random.pick(0, 0, -3, 1, -14) for s in scales]
    tensors = [
        T(given, end, 0 if wide else random.zero(), dtype=random.given),
        constant(_weights(random, *weights), scales if len(scales) > 1 else scales[0], axis=axis),
        constant(biases, [float(np.float32(end * s)) for s in scales] if len(scales) > 1 else end * scales[0]),
        T(made, end, 0 if wide else out_zero, dtype=random.given),
    ]
    activation = 1 if relu else random.pick(0, 0, 1, 1, 2, 3)
    inputs = random.pick([0, 1, 2], [0, 1, 2], [0, 1])
    return build(tensors, [O(kind, inputs, [3], {**options, "fusedActivationFunction": activation})], [0], [3])


def pointwise(random: Random) -> bytes:
    given = random.integer(1, 9), random.integer(1, 9)
    in_c = random.pick(1, 2, 3, 4, 8, 12, 16, 20, 36, 64, 108, 128, random.integer(1, 140))
    out_c = random.integer(1, 12)
    made, options = _made(random, given, (1, 1), most_stride=random.pick(1, 1, 1, 2, 3))
    shapes = (1, *given, in_c), (out_c, 1, 1, in_c), (1, *made, out_c)
    return _layer(random, "CONV_2D", shapes, options, relu=random.pick(True, False))


def windows(random: Random) -> bytes:
    kernel = random.integer(1, 5), random.integer(1, 5)
    dilation = random.pick((1, 1), (1, 1), (1, 1), (2, 1), (1, 3), (2, 2))
    in_c, out_c = random.pick(1, 1, 2, 3, 4, 5, 8, 13), random.integer(1, 9)
    given = random.integer(1, 11), random.integer(1, 11)
    made, options = _made(random, given, kernel, dilation, most_stride=3)
    shapes = (1, *given, in_c), (out_c, *kernel, in_c), (1, *made, out_c)
    return _layer(random, "CONV_2D", shapes, options, relu=random.pick(True, False))


def threes(random: Random) -> bytes:
    """Rows and columns of the output in fours."""
    in_c, out_c = 4 * random.pick(1, 1, 2, 3, 5, 8, 11), 2 * random.integer(1, 4)
    made, valid = (4 * random.integer(1, 4), 4 * random.integer(1, 4)), random.pick(0, 1)
    given = [size + 2 * valid for size in made]
    options = {"padding": valid, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    shapes = (1, *given, in_c), (out_c, 3, 3, in_c), (1, *made, out_c)
    return _layer(random, "CONV_2D", shapes, options, relu=random.pick(True, False))


def fours(random: Random) -> bytes:
    """Columns of the output in fours."""
    kernel, stride = (random.integer(1, 4), random.integer(1, 4)), random.pick(1, 1, 2)
    in_c, out_c, valid = random.pick(1, 2, 3, 4, 8, 16), random.integer(1, 9), random.pick(0, 0, 1)
    made = random.integer(1, 9), 4 * random.integer(1, 4)
    given = [n * stride if not valid else (n - 1) * stride + k for n, k in zip(made, kernel, strict=True)]
    options = {"padding": valid, "strideH": stride, "strideW": stride, "dilationHFactor": 1, "dilationWFactor": 1}
    shapes = (1, *given, in_c), (out_c, *kernel, in_c), (1, *made, out_c)
    return _layer(random, "CONV_2D", shapes, options, relu=random.pick(True, False))


def in_time(random: Random) -> bytes:
    """Kernels of n x 1 over time, or 1 x n."""
    taps, dilation = random.integer(1, 9), random.pick(1, 1, 1, 2, 4)
    kernel, apart = (taps, 1), (dilation, 1)
    given = random.integer(1, 20), random.pick(1, 1, 1, 3)
    if random.pick(True, False):
        kernel, apart, given = kernel[::-1], apart[::-1], given[::-1]
    in_c, out_c = random.integer(1, 40), random.integer(1, 9)
    made, options = _made(random, given, kernel, apart, most_stride=random.pick(1, 1, 3))
    if random.pick(True, False):
        shapes = (1, *given, in_c), (out_c, *kernel, in_c), (1, *made, out_c)
        return _layer(random, "CONV_2D", shapes, options)
    shapes = (1, *given, in_c), (1, *kernel, in_c), (1, *made, in_c)
    return _layer(random, "DEPTHWISE_CONV_2D", shapes, options | {"depthMultiplier": 1}, axis=3)


def line(random: Random) -> bytes:
    """Depthwise along one axis, without padding, channels in fours."""
    taps, dilation = random.integer(1, 11), random.pick(1, 1, 1, 2, 3)
    given = (taps - 1) * dilation + random.integer(1, 9), random.pick(1, 1, 1, 4)
    kernel, apart = (taps, 1), (dilation, 1)
    if random.pick(True, True, False):
        kernel, apart, given = kernel[::-1], apart[::-1], given[::-1]
    made, options = _made(random, given, kernel, apart, most_stride=random.pick(1, 1, 3))
    channels = 4 * random.pick(1, 2, 3, 9)
    shapes = (1, *given, channels), (1, *kernel, channels), (1, *made, channels)
    relu = random.pick(True, False)
    return _layer(random, "DEPTHWISE_CONV_2D", shapes, options | {"depthMultiplier": 1}, axis=3, relu=relu)


def single_row(random: Random) -> bytes:
    inputs, outputs = random.pick(1, 7, 16, 37, 64, 128, 130, 200, 640, random.integer(1, 300)), random.integer(1, 20)
    return _rows(random, 1, inputs, outputs, uniform=random.pick(True, True, False))


def rows(random: Random) -> bytes:
    return _rows(random, random.integer(2, 9), random.pick(4, 8, 20, 64, random.integer(1, 70)), random.integer(1, 9))


def _rows(random: Random, count: int, inputs: int, outputs: int, *, uniform: bool = True) -> bytes:
    shapes = (count, inputs), (outputs, inputs), (count, outputs)
    return _layer(random, "FULLY_CONNECTED", shapes, {}, uniform=uniform, relu=random.pick(True, False))


def depthwise(random: Random) -> bytes:
    kernel = random.integer(1, 5), random.integer(1, 5)
    dilation = random.pick((1, 1), (1, 1), (1, 1), (2, 1), (1, 3), (3, 2))
    return _depthwise(random, (random.integer(1, 10), random.integer(1, 10)), kernel, dilation)


def planes(random: Random) -> bytes:
    """3x3 with a ReLU."""
    given = random.integer(1, 14), random.integer(1, 14)
    return _depthwise(random, given, (3, 3), relu=True, stride=random.integer(1, 2))


def _depthwise(
    random: Random, given: Pair, kernel: Pair, dilation: Pair = (1, 1), *, relu: bool = False, stride: int = 0
) -> bytes:
    multiplier = random.pick(1, 1, 1, 1, 2, 3, 4, 5)
    in_c = random.pick(1, 2, 3, 4, 5, 8, 11)
    out_c = in_c * multiplier
    made, options = _made(random, given, kernel, dilation, most_stride=1 if stride else 3)
    if stride > 1:
        options |= {"strideH": stride, "strideW": stride}
        made = [-(-size // stride) for size in made]
    shapes = (1, *given, in_c), (1, *kernel, out_c), (1, *made, out_c)
    options |= {"depthMultiplier": multiplier}
    return _layer(random, "DEPTHWISE_CONV_2D", shapes, options, axis=3, relu=relu)


def add(random: Random) -> bytes:
    shape, scale = (1, random.integer(1, 60)), random.scale(-2, 0)
    other = random.pick(scale, random.near(scale, 0.3), random.near(scale, 2), scale * 2.0 ** random.integer(-4, 4))
    made = random.pick(scale, scale * 2, random.near(scale, 1), random.near(max(scale, other), 0.5))
    tensors = [T(shape, scale, random.zero()), T(shape, other, random.zero()), T(shape, made, random.zero())]
    options = {"fusedActivationFunction": random.pick(0, 0, 1, 2, 3)}
    return build(tensors, [O("ADD", random.pick([0, 1], [1, 0]), [2], options)], [0, 1], [2])


def whole_pool(random: Random) -> bytes:
    height, width, channels = random.integer(1, 12), random.integer(1, 12), random.pick(random.integer(1, 9), 4, 8)
    scale, zero = random.scale(-2, 0), random.zero()
    tensors = [T((1, height, width, channels), scale, zero), T((1, 1, 1, channels), scale, zero)]
    options = {"padding": 1, "strideH": random.integer(1, 2), "strideW": 1, "filterHeight": height}
    options |= {"filterWidth": width, "fusedActivationFunction": random.pick(0, 0, 1, 3)}
    return build(tensors, [O(random.pick("AVERAGE_POOL_2D", "MAX_POOL_2D"), [0], [1], options)], [0], [1])


def _int16(draw: Callable[[Random], bytes]) -> Callable[[Random], bytes]:
    def of_int16(random: Random) -> bytes:
        random.given = random.made = "int16"
        return draw(random)

    return of_int16


FAMILIES: Mapping[str, Callable[[Random], bytes]] = {
    "pointwise": pointwise,
    "windows": windows,
    "threes": threes,
    "fours": fours,
    "in time": in_time,
    "line": line,
    "single row": single_row,
    "rows": rows,
    "depthwise": depthwise,
    "planes": planes,
    "add": add,
    "whole pool": whole_pool,
    **{
        f"{name} of int16": _int16(draw)
        for name, draw in (
            ("pointwise", pointwise),
            ("windows", windows),
            ("in time", in_time),
            ("line", line),
            ("single row", single_row),
            ("rows", rows),
            ("depthwise", depthwise),
        )
    },
}
"""By name: what draws a file."""
