"""Fixed-point arithmetic of TFLM's int8 kernels, as far as it happens at compile time."""

from __future__ import annotations

import math

import numpy as np

from tinyperf.errors import ModelError

INT8_LOW, INT8_HIGH = -128, 127


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


BEYOND_INT8 = 1e9
"""As far from zero as matters: a scale near 0 would give infinity, which is no whole number."""


def round_half_away(value: float) -> int:
    """C's round()."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Lowest and highest output code of a fused activation.

    Source: TFLM `CalculateActivationRangeQuantized`; the division is a float32 one there.
    """

    def code(real: float) -> int:
        with np.errstate(over="ignore"):
            steps = float(np.float32(real) / np.float32(scale))
        return zero_point + round_half_away(min(max(steps, -BEYOND_INT8), BEYOND_INT8))

    if activation == "RELU":
        return max(INT8_LOW, code(0.0)), INT8_HIGH
    if activation == "RELU6":
        return max(INT8_LOW, code(0.0)), min(INT8_HIGH, code(6.0))
    if activation == "RELU_N1_TO_1":
        return max(INT8_LOW, code(-1.0)), min(INT8_HIGH, code(1.0))
    return INT8_LOW, INT8_HIGH


def requantize(accumulator: int, multiplier: int, shift: int) -> int:
    """accumulator * multiplier * 2**(shift - 31), rounded twice: TFLM's `MultiplyByQuantizedMultiplier`.

    Without its overflows: exact for any size of accumulator.
    """
    high = ((accumulator << max(shift, 0)) * multiplier + 2**30) >> 31
    right = max(-shift, 0)
    rest = high & ((1 << right) - 1)
    return (high >> right) + (rest > (((1 << right) - 1) >> 1) + (high < 0))
