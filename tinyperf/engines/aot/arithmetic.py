"""Fixed-point arithmetic of TFLM's int8 kernels: of numbers at compile time, of arrays in the interpreter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

    Wide = npt.NDArray[np.int64]

INT8_LOW, INT8_HIGH = -128, 127


def code_range(dtype: str) -> tuple[int, int]:
    """Lowest and highest code of an integer type, by numpy's name."""
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Fixed-point form of a scale ratio: real = mantissa * 2**(shift - 31), within 2**-31 relative.

    Args:    real: input_scale * weight_scale / output_scale; finite, >= 0.
    Returns: mantissa in [2**30, 2**31), shift >= -31; (0, 0) for real < 2**-32, as TFLM flushes it.
    Raises:  ModelError: negative, not finite, or 2**30 and more, so the model's scales are damaged.
    Source:  TFLM `QuantizeMultiplier` (lite/kernels/internal/quantization_util.cc), to the bit.
    """
    if not math.isfinite(real) or not 0 <= real < 2**30:
        raise ModelError(
            f"scale ratio {real:g} is not in [0, 2**30)", hint="the model's scales are damaged; convert again"
        )
    if real == 0:
        return 0, 0
    fraction, shift = math.frexp(real)
    mantissa = math.floor(fraction * 2**31 + 0.5)
    if mantissa == 2**31:
        mantissa, shift = mantissa // 2, shift + 1
    return (0, 0) if shift < -31 else (mantissa, shift)


BEYOND_CODES = 1e9
"""As far from zero as matters: a scale near 0 would give infinity, which is no whole number."""


def round_half_away(value: float) -> int:
    """C's round()."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def activation_range(activation: str, scale: float, zero_point: int, dtype: str = "int8") -> tuple[int, int]:
    """Lowest and highest output code of a fused activation.

    Source: TFLM `CalculateActivationRangeQuantized`; the division is a float32 one there.
    """

    def code(real: float) -> int:
        with np.errstate(over="ignore"):
            steps = float(np.float32(real) / np.float32(scale))
        return zero_point + round_half_away(min(max(steps, -BEYOND_CODES), BEYOND_CODES))

    low, high = code_range(dtype)
    if activation == "RELU":
        return max(low, code(0.0)), high
    if activation == "RELU6":
        return max(low, code(0.0)), min(high, code(6.0))
    if activation == "RELU_N1_TO_1":
        return max(low, code(-1.0)), min(high, code(1.0))
    return low, high


def requantize(accumulator: int, multiplier: int, shift: int) -> int:
    """accumulator * multiplier * 2**(shift - 31), rounded twice: TFLM's `MultiplyByQuantizedMultiplier`.

    Without its overflows: exact for any size of accumulator.
    """
    high = ((accumulator << max(shift, 0)) * multiplier + 2**30) >> 31
    right = max(-shift, 0)
    rest = high & ((1 << right) - 1)
    return (high >> right) + (rest > (((1 << right) - 1) >> 1) + (high < 0))


def int32(numbers: Wide) -> Wide:
    """What a 32-bit register keeps of them."""
    return numbers.astype(np.int32).astype(np.int64)


def multiply_high(a: Wide, b: Wide | int) -> Wide:
    """a * b / 2**31, rounded to the nearest, ties up: gemmlowp's SaturatingRoundingDoublingHighMul.

    Not for a = b = -2**31, which saturates there.
    """
    product: Wide = a * b + 2**30
    return product >> 31


def divide_by_power_of_two(numbers: Wide, exponent: Wide | int) -> Wide:
    """numbers / 2**exponent, rounded to the nearest, ties away from zero: gemmlowp's RoundingDivideByPOT."""
    mask = (np.int64(1) << exponent) - 1
    quotient: Wide = (numbers >> exponent) + ((numbers & mask) > (mask >> 1) + (numbers < 0))
    return quotient


def requantized(accumulators: Wide, multiplier: Wide | int, shift: Wide | int) -> Wide:
    """`requantize` of arrays, with the overflows of TFLM's 32-bit registers."""
    scaled = int32(int32(accumulators) << np.maximum(shift, 0))
    return divide_by_power_of_two(multiply_high(scaled, multiplier), np.maximum(-np.asarray(shift), 0))


def requantized_wide(accumulators: Wide, multiplier: Wide | int, shift: Wide | int) -> Wide:
    """TFLM's `MultiplyByQuantizedMultiplier` of 64-bit sums: a multiplier of 15 bits, rounded once. shift: below 8."""
    total = 15 - np.asarray(shift, np.int64)
    return int32((accumulators * reduced_multiplier(multiplier) + (np.int64(1) << (total - 1))) >> total)


def reduced_multiplier(multiplier: Wide | int) -> Wide:
    """The 15 bits of a multiplier by which TFLM multiplies 64-bit sums."""
    wide = np.asarray(multiplier, np.int64)
    return np.where(wide < 0x7FFF0000, (wide + 2**15) >> 16, 0x7FFF)


def codes(numbers: Wide, low: int = INT8_LOW, high: int = INT8_HIGH, dtype: str = "int8") -> npt.NDArray[Any]:
    """Clamped as the kernels do it, low wins where the two bounds cross; of an integer type."""
    return np.maximum(np.minimum(numbers, high), low).astype(dtype)


def truncated(numbers: npt.NDArray[np.generic], dtype: str = "int32") -> Wide:
    """Floats without what is behind the point; beyond the type's 32 bits its last number, 0 for NaN: as Arm's VCVT.

    C leaves open what becomes of those, and TFLM's wheel, on another machine, does something else with them.
    """
    return np.clip(np.nan_to_num(numbers.astype(np.float64), nan=0.0), *code_range(dtype)).astype(np.int64)
