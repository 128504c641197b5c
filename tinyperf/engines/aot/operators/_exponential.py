"""Exponential and reciprocal in fixed point, as gemmlowp's fixedpoint.h computes them for TFLM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import divide_by_power_of_two, multiply_high

if TYPE_CHECKING:
    from tinyperf.engines.aot.arithmetic import Wide

LARGEST = 2**31 - 1
EXP_EIGHTH = 1895147668  # exp(-1/8) in Q0.31
EXP_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)  # exp(-2^(i - 2)) in Q0.31
THIRD = 715827883
HALF_DENOMINATOR = 1515870810, -1010580540  # 48/17 and -32/17 in Q2.29


def exp(y: Wide, integer_bits: int) -> Wide:
    """exp(y): y <= 0 with so many integer bits (at most five), result in Q0.31. gemmlowp `exp_on_negative_values`."""
    quarter = 1 << (29 - integer_bits)
    part = (y & (quarter - 1)) - quarter
    x = (part << integer_bits) + (1 << 28)  # the distance from -1/8
    square = multiply_high(x, x)
    cube, fourth = multiply_high(square, x), multiply_high(square, square)
    tail = multiply_high(divide_by_power_of_two(fourth, 2) + cube, THIRD) + square
    result = EXP_EIGHTH + multiply_high(x + divide_by_power_of_two(tail, 1), EXP_EIGHTH)
    for i, power in enumerate(EXP_POWERS[: integer_bits + 2]):
        result = np.where(((part - y) >> (29 - integer_bits + i)) & 1, multiply_high(result, power), result)
    return np.where(y == 0, LARGEST, result)


def one_over_one_plus(v: Wide) -> Wide:
    """1 / (1 + v): v in [0, 1) and result in Q0.31. gemmlowp `one_over_one_plus_x_for_x_in_0_1`."""
    return np.minimum(_two_over_one_plus(v) * 2, LARGEST)


def one_minus_over_one_plus(v: Wide) -> Wide:
    """(1 - v) / (1 + v): v in [0, 1) and result in Q0.31. gemmlowp `one_minus_x_over_one_plus_x_for_x_in_0_1`."""
    return np.clip((_two_over_one_plus(v) - (1 << 29)) * 4, -(2**31), LARGEST)


def _two_over_one_plus(v: Wide) -> Wide:
    """2 / (1 + v) in Q2.29: three Newton-Raphson steps from 48/17 - 32/17 (1 + v) / 2."""
    half = (v + LARGEST + 1) >> 1
    u = HALF_DENOMINATOR[0] + multiply_high(half, HALF_DENOMINATOR[1])
    for _ in range(3):
        rest = (1 << 29) - multiply_high(half, u)
        u = u + np.clip(multiply_high(u, rest) * 4, -(2**31), LARGEST)
    return u


LOG_2 = 1488522236  # in Q0.31, as all that follow
QUARTER_ROOT_HALF = 1805811301
ROOT_HALF = 1518500250
ALPHA = {"n": 117049297, "d": 127690142, "i": 1057819769, "f": 638450708}
"""Of a rational approximation around the fourth root of 1/2."""


def logarithm(x: Wide) -> Wide:
    """log(x): x >= 1 in Q12.19, result in Q5.26. `log_x_for_x_greater_than_or_equal_to_1` of kernels/internal/common.h.

    x is a power of two times r; of two such forms that with the r nearer to the fourth root of 1/2 is taken.
    """
    zeros, zeros_b = _leading_zeros(x), _leading_zeros(multiply_high(x, ROOT_HALF))
    r_a = multiply_high(x << (zeros - 1), ROOT_HALF) * 2
    r_b = np.minimum(x << (zeros_b - 1), LARGEST)
    r = np.minimum(r_a, r_b)
    quarter = 1 << 23
    power = np.maximum(((12 - zeros) << 25) + quarter, ((12 - (zeros_b - 1)) << 25) - quarter)
    p = (r + QUARTER_ROOT_HALF + 1) >> 1
    q = (r - QUARTER_ROOT_HALF) * 2
    square = multiply_high(q, q)
    numerator = multiply_high(q, r) + multiply_high(multiply_high(q, square), ALPHA["n"])
    inner = ALPHA["i"] + q + multiply_high(square, ALPHA["d"])
    denominator = multiply_high(p, inner) + multiply_high(q, ALPHA["f"])
    fraction = multiply_high(divide_by_power_of_two(numerator, 6), one_over_one_plus(denominator))
    made: Wide = np.minimum((multiply_high(power, LOG_2) + fraction) * 2, LARGEST)
    return made


def _leading_zeros(x: Wide) -> Wide:
    """Of a number of 32 bits, above zero."""
    return 32 - np.frexp(x.astype(np.float64))[1].astype(np.int64)
