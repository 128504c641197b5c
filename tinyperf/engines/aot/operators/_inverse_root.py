"""1 / sqrt(n) in fixed point, as TFLM's `GetInvSqrtQuantizedMultiplierExp` computes it (kernels/internal/common.h)."""

from __future__ import annotations

from tinyperf.engines.aot.operators._exponential import LARGEST

HALF_ROOT_2 = 1518500250  # sqrt(2) / 2 in Q0.31
THREE_HALVES = (1 << 28) + (1 << 27)  # in Q3.28


def inverse_root(n: int) -> tuple[int, int]:
    """Multiplier and right shift (negative: to the left) of 1 / sqrt(n); n >= 0, of 0 that of 1.

    Five Newton-Raphson steps from 1, in Q3.28.
    """
    if n <= 1:
        return LARGEST, 0
    right = 11
    while n >= 1 << 29:
        n, right = n // 4, right + 1
    pairs = (32 - n.bit_length() - 1) // 2 - 1
    n, right = n << 2 * pairs, right - pairs
    half, x = _half(n >> 1), 1 << 28
    for _ in range(5):
        cube = _times_64(_times(_times(x, x), x))
        x = _saturated((_times(THREE_HALVES, x) - _times(half, cube)) * 8)
    root = _times(x, HALF_ROOT_2)
    return (root << -right, 0) if right < 0 else (root, right)


def _times(a: int, b: int) -> int:
    """gemmlowp's product of fixed-point numbers; its integer bits add up."""
    return (a * b + (1 << 30)) >> 31


def _half(a: int) -> int:
    return (a + 1) >> 1  # a >= 0: halves are rounded up


def _times_64(a: int) -> int:
    """From nine integer bits back to three."""
    return _saturated(a * 64)


def _saturated(a: int) -> int:
    return min(max(a, -(2**31)), LARGEST)
