"""Functions of float32 in single precision and integers alone, step by step as tp_float.h has them: the same bits.

No result is further from the exact one than the header says. Nothing is widened on the way: arrays are float32, and a
Python number beside one is taken as float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use

    Float = npt.NDArray[np.float32]
    Whole = npt.NDArray[np.int32]
    Long = npt.NDArray[np.uint64]

Limits = tuple[float, float]
LARGEST = float(np.finfo(np.float32).max)
SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)
ANYTHING: Limits = -float("inf"), float("inf")
ACTIVATIONS: dict[str, Limits] = {
    "NONE": (-LARGEST, LARGEST),
    "RELU": (0.0, LARGEST),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}
"""Source: lite/kernels/kernel_util.h `CalculateActivationRange`; infinities are clamped even without an activation."""


def limits(use: Use) -> Limits:
    """The smallest and the largest output of a use, by its fused activation."""
    return ACTIVATIONS[use.text("fused_activation_function")]


def single(data: Data) -> Float:
    return np.asarray(data, np.float32)


def bits(x: Float) -> npt.NDArray[np.uint32]:
    return np.ascontiguousarray(x).view(np.uint32)


def from_bits(x: npt.NDArray[np.generic]) -> Float:
    return np.asarray(x).astype(np.uint32).view(np.float32)


def larger(a: Float, b: Float | float) -> Float:
    """std::max, which gives `a` where one of them is NaN."""
    return single(np.where(a < b, b, a))


def smaller(a: Float, b: Float | float) -> Float:
    """std::min, likewise."""
    return single(np.where(b < a, b, a))


def clamped(x: Float, ends: Limits) -> Float:
    return smaller(larger(x, ends[0]), ends[1])


def _scaled(x: Float, k: Whole) -> Float:
    half = k >> 1
    return x * from_bits((half + 127) << 23) * from_bits((k - half + 127) << 23)


def _exponent(x: Float) -> tuple[Whole, Float, Float]:
    """k, r and tail of exp(x) = 2**k * (1 + (r + tail))."""
    k = (x * 1.44269504 + 12582912.0) - 12582912.0
    upper, lower = x - k * 0.693145752, k * 1.42860677e-6
    r = upper - lower
    rest = (upper - r) - lower
    p = 0.5 + r * (0.166665182 + r * (0.0416662023 + r * (0.00836902484 + r * 0.00139507256)))
    return k.astype(np.int32), r, rest + r * r * p


def exp(x: Float) -> Float:
    k, r, tail = _exponent(clamped(np.nan_to_num(x), (-103.97208, 88.72283)))
    made = _scaled(1.0 + (r + tail), k)
    low = single(np.where(x < 0, 0, x))
    return single(np.where(x > 88.72283, np.inf, np.where(x > -103.97208, made, low)))


def expm1(x: Float) -> Float:
    k, r, tail = _exponent(clamped(np.nan_to_num(x), (-17.5, 88.72283)))
    power = _scaled(np.ones_like(r), np.minimum(k, 24).astype(np.int32))
    near = ((power - 1.0) + power * r) + power * tail
    made = np.where(k == 0, r + tail, np.where(k > 24, _scaled(1.0 + (r + tail), k), near))
    low = single(np.where(x < 0, -1, x))
    return single(np.where(x > 88.72283, np.inf, np.where(x > -17.5, made, low)))


def tanh(x: Float) -> Float:
    sign = bits(x) & 0x80000000
    t = from_bits(bits(x) ^ sign)
    z = t * t
    p = -0.0537434965 + z * (0.0206505861 + z * -0.00571704470)
    near = x + x * z * (-0.333332837 + z * (0.133314908 + z * p))
    far = from_bits(bits(np.where(t < 9.02, 1.0 - 2.0 / (1.0 + exp(2.0 * t)), single(np.ones_like(t)))) | sign)
    return single(np.where(t < 0.625, near, np.where(np.isnan(t), x, far)))


def log(x: Float) -> Float:
    small = x < SMALLEST_NORMAL
    moved = bits(np.where(small, x * 33554432.0, x)) + np.uint32(0x3F800000 - 0x3F3504F3)
    k = single((moved >> 23).astype(np.int32) - 127 - np.where(small, 25, 0))
    f = from_bits((moved & 0x007FFFFF) + 0x3F3504F3) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = z * (0.666668177 + z * (0.399734944 + z * 0.299641490))
    half = 0.5 * f * f
    made = k * 0.693145752 - ((half - (s * (half + p) + k * 1.42860677e-6)) - f)
    low = np.where(x == 0, -np.inf, np.nan)
    return single(np.where(x > 0, np.where(x == np.inf, x, made), low))


TWO_OVER_PI = np.array(
    [0, 0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0, 0xDB629599, 0x3C439041, 0xFE5163AB], np.uint64
)


def _high(a: Long, b: int) -> Long:
    """Upper 64 bits of a product."""
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    a1, a0, b1, b0 = a >> half, a & mask, np.uint64(b >> 32), np.uint64(b & 0xFFFFFFFF)
    middle = a1 * b0 + (a0 * b0 >> half)
    made: Long = a1 * b1 + (middle >> half) + ((a0 * b1 + (middle & mask)) >> half)
    return made


def _angle(x: Float) -> tuple[npt.NDArray[np.uint32], Float, Float]:
    """Quadrant, r and rest of |x| = quadrant * pi / 2 + r + rest; x finite."""
    size = bits(x) & 0x7FFFFFFF
    far = size >= 0x3F490FDB
    given = np.where(far, size, 0x3F800000).astype(np.uint32)
    m = ((given & 0x007FFFFF) | 0x00800000).astype(np.uint64)
    first = (given >> 23).astype(np.int64) - 120
    word, shift = first >> 5, (first & 31).astype(np.uint64)
    upper, lower = (TWO_OVER_PI[word + i] << np.uint64(32) | TWO_OVER_PI[word + i + 1] for i in (0, 2))
    behind_it = np.where(shift > 0, lower >> np.where(shift > 0, np.uint64(64) - shift, np.uint64(0)), np.uint64(0))
    turned = m * (upper << shift | behind_it) + (m * ((lower << shift) >> np.uint64(32)) >> np.uint64(32))
    quadrant = (turned + np.uint64(1 << 61)) >> np.uint64(62)
    fraction = (turned - (quadrant << np.uint64(62))).view(np.int64)
    whole = _high(np.abs(fraction).astype(np.uint64), 0x6487ED5110B4611A)
    upmost, lead = whole | np.uint64(1), np.zeros(whole.shape, np.uint32)
    for step in (32, 16, 8, 4, 2, 1):
        small = upmost >> np.uint64(64 - step) == 0
        upmost = np.where(small, upmost << np.uint64(step), upmost)
        lead += np.where(small, step, 0).astype(np.uint32)
    unit = from_bits((107 - lead) << 23) * single(np.where(fraction < 0, -1, 1))
    r = single(upmost >> np.uint64(40)) * unit
    rest = single(upmost >> np.uint64(16) & np.uint64(0xFFFFFF)) * unit * 5.96046448e-8
    return (
        np.where(far, quadrant, 0).astype(np.uint32),
        single(np.where(far, r, from_bits(size))),
        single(np.where(far, rest, 0)),
    )


def _sin_of(r: Float, rest: Float) -> Float:
    z = r * r
    p = z * r * (-0.166666552 + z * (0.00833217334 + z * -0.000195166562))
    return single(r + (p + (rest - 0.5 * z * rest)))


def _cos_of(r: Float, rest: Float) -> Float:
    z = r * r
    half = 0.5 * z
    near = 1.0 - half
    p = z * z * (0.0416666456 + z * (-0.00138873619 + z * 2.44377297e-5))
    return single(near + (((1.0 - near) - half) + (p - r * rest)))


def sin(x: Float) -> Float:
    quadrant, *angle = _angle(single(np.where(np.isfinite(x), x, 0)))
    made = single(np.where(quadrant & 1, _cos_of(*angle), _sin_of(*angle)))
    signed = from_bits(bits(made) ^ (quadrant & 2) << 30 ^ (bits(x) & 0x80000000))
    return single(np.where(np.isfinite(x), signed, np.nan))


def cos(x: Float) -> Float:
    quadrant, *angle = _angle(single(np.where(np.isfinite(x), x, 0)))
    made = single(np.where(quadrant & 1, _sin_of(*angle), _cos_of(*angle)))
    signed = from_bits(bits(made) ^ ((quadrant + 1) & 2) << 30)
    return single(np.where(np.isfinite(x), signed, np.nan))


def round_even(x: Float) -> Float:
    """To the nearest, ties to even; what rounds to 0 from below is +0, as TFLM's sum of a floor and 1 is."""
    below = np.floor(x)
    rest = x - below
    even = 0.5 * below == np.floor(0.5 * below)
    return single(np.where((rest < 0.5) | ((rest == 0.5) & even), below, below + 1))


def logistic(x: Float) -> Float:
    """Source: reference/logistic.h, with its two cut-offs."""
    near = 1.0 / (1.0 + exp(-x))
    return single(np.where(x > 16.6190472, 1, np.where(x < -9.0, exp(x), near)))
