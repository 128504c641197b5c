"""C text that several kernels share: windows, channels, calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.ctext import c_array, c_int, c_rows
from tinyperf.engines.aot.kernels import Array

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines import Target
    from tinyperf.engines.aot.work import Channels, Conv, Window


def call(function: str, *arguments: str | int) -> str:
    """A call statement, wrapped at the comma before column 100."""
    lines, line = [], f"    {function}("
    indent = " " * len(line)
    for i, argument in enumerate(arguments):
        text = argument if isinstance(argument, str) else c_int(argument)
        text += ");" if i == len(arguments) - 1 else ", "
        if len((line + text).rstrip()) > 100:
            lines.append(line.rstrip())
            line = indent
        line += text
    return "\n".join([*lines, line])


def ints(values: tuple[int, ...]) -> str:
    return "{" + ", ".join(c_int(v) for v in values) + "}"


def window_constant(window: Window) -> str:
    """The `struct tp_window` of a layer."""
    pairs = (
        ("in_h", window.in_shape[0]),
        ("in_w", window.in_shape[1]),
        ("in_c", window.in_shape[2]),
        ("out_h", window.out_shape[0]),
        ("out_w", window.out_shape[1]),
        ("out_c", window.out_shape[2]),
        ("kernel_h", window.kernel[0]),
        ("kernel_w", window.kernel[1]),
        ("stride_h", window.stride[0]),
        ("stride_w", window.stride[1]),
        ("dilation_h", window.dilation[0]),
        ("dilation_w", window.dilation[1]),
        ("pad_h", window.pad[0]),
        ("pad_w", window.pad[1]),
    )
    rows = c_rows(f".{name} = {c_int(value)}" for name, value in pairs)
    indented = "\n".join(f"    {line}" for line in rows.splitlines())
    return f"    static const struct tp_window window = {{\n{indented}\n    }};\n"


def weights_array(prefix: str, weights: npt.NDArray[np.int8], comment: str) -> Array:
    return Array(f"{prefix}_weights", "int8_t", weights.size, c_array(weights.ravel().tolist()), comment, weights.size)


def channels_array(
    prefix: str, channels: Channels, bias: npt.NDArray[np.int32] | None = None, *, fillers: int = 0
) -> Array:
    """`struct tp_channel` of every output channel, and of `fillers` more that are never stored.

    `bias` replaces the model's where a kernel folded into it.
    """
    rows = []
    values = channels.bias if bias is None else bias
    for b, multiplier, shift in zip(
        values.tolist(), channels.multiplier.tolist(), (-channels.shift).tolist(), strict=True
    ):
        # A flushed multiplier gives 0 whatever the shift; 1 keeps the short requantization licensed.
        rows.append(ints((b, multiplier, shift if multiplier else 1)))
    rows += [ints((0, 0, 1))] * fillers
    return Array(
        f"{prefix}_channels",
        "struct tp_channel",
        len(rows),
        c_rows(rows),
        "Bias, multiplier and right shift of each output channel.",
        12 * len(rows),
    )


def folded_bias(channels: Channels, rows: npt.NDArray[np.int8], in_zero: int) -> npt.NDArray[np.int32]:
    """Bias minus in_zero times the sum of all weights of the channel, modulo 2**32 as the accumulator counts."""
    sums = rows.astype(np.int64).sum(axis=1)
    bias: npt.NDArray[np.int64] = channels.bias.astype(np.int64) - in_zero * sums
    return bias.astype(np.int32)


def dsp_refusal(channels: Channels, target: Target) -> str | None:
    """What every kernel with the DSP instructions and the short requantization needs; None where it has it."""
    if "dsp" not in target.core.features:
        return "the DSP instructions"
    return None if channels.right_only else "accumulators below 2^30 and right shifts, proven for every channel"


# The reach of an immediate offset of LDR, TP_DOT_LENGTH in tp_dsp.h.
LONGEST_COLUMN = 4092


def paired_rows(work: Conv, length: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8], int]:
    """Weights as rows; the same padded with zeros to `length` columns and an even number; how many were added."""
    rows = work.weights.reshape(work.window.out_shape[2], -1)
    fillers = len(rows) % 2
    return rows, np.pad(rows, ((0, fillers), (0, length - rows.shape[1]))), fillers
