"""Figures for people: as many decimals as usual, and never fewer than three significant digits."""

from __future__ import annotations

import math

SIGNIFICANT = 3
MOST_DECIMALS = 12
SMALLEST_FIXED = 1e-6  # what is smaller would be a row of zeros


def figure(value: float, decimals: int = 3) -> str:
    """`value` with `decimals` decimals, and with more where fewer than three significant digits would be left.

    0.0012917 is "0.00129" and 0 is "0"; below a millionth "1.29e-09". Files in others' formats keep theirs.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}".removeprefix("-") if value == 0 else f"{value:g}"
    if abs(value) < SMALLEST_FIXED:
        return f"{value:.{SIGNIFICANT - 1}e}"
    return f"{value:.{max(decimals, _needed(value))}f}"


def significant(value: float, digits: int = 4) -> str:
    """`value` as far as it is known, to `digits` significant digits: 43.19, 144.0, 1240; never with an exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def error(percent: float | None) -> str:
    """How far an estimate may be off: `±7 %`; None: `error not measured`, which is neither 0 nor a guess."""
    return "error not measured" if percent is None else f"±{percent:g} %"


def beside(value: float, limit: float, decimals: int = 3) -> str:
    """`value` with `decimals` decimals, and with more where it would look like the limit or beyond: 9.9998, not 10.000.

    For sentences that say on which side of a limit a figure is.
    """
    for more in range(decimals, MOST_DECIMALS):
        text = f"{value:.{more}f}"
        if (float(text) < limit, float(text) > limit) == (value < limit, value > limit):
            return text
    return repr(value)


def score(metric: str, value: float, target: float | None) -> str:
    """`top-1 89.96%`, `AUC 0.852`, `MSE 0.00123`; what misses its target by little is not shown as the target."""
    parts, decimals, text = (100, 1, "top-1 {}%") if metric == "top1" else (1, 3, f"{metric.upper()} {{}}")
    if target is None or value == target:
        return text.format(figure(parts * value, decimals))
    close = beside(parts * value, parts * target, decimals)
    return text.format(max(close, figure(parts * value, decimals), key=len))


def target(metric: str, value: float) -> str:
    """`90%` of top-1, `0.85` of an AUC."""
    return f"{value:.0%}" if metric == "top1" else f"{value:.2f}"


def _needed(value: float) -> int:
    """Decimals that three significant digits need; of the rounded value, for 0.0009996 is 0.00100."""
    rounded = float(f"{value:.{SIGNIFICANT - 1}e}")
    return SIGNIFICANT - 1 - math.floor(math.log10(abs(rounded)))
