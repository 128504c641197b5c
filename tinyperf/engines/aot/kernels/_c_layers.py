"""C text that several kernels share: windows, channels, calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.ctext import WIDTH, c_int, c_number, c_rows, c_type
from tinyperf.engines.aot.kernels import Array

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Place
    from tinyperf.engines.aot.operators._broadcast import Broadcast
    from tinyperf.engines.aot.operators._weighted import Channels, Weighted
    from tinyperf.engines.aot.operators._window import Window


def call(function: str, *arguments: str | int, indent: int = 4) -> str:
    """A call statement, wrapped at a comma before column WIDTH."""
    lines, line = [], f"{' ' * indent}{function}("
    margin = " " * len(line)
    for i, argument in enumerate(arguments):
        text = argument if isinstance(argument, str) else c_int(argument)
        text += ");" if i == len(arguments) - 1 else ", "
        if len((line + text).rstrip()) > WIDTH:
            lines.append(line.rstrip())
            line = margin
        line += text
    return "\n".join([*lines, line])


def floats(values: Iterable[float]) -> tuple[str, ...]:
    """Arguments that are floats, infinities too."""
    return tuple(c_number(float(value)) for value in values)


def float_array(name: str, values: npt.NDArray[np.float32], comment: str) -> Array:
    return Array(name, "float", values.ravel(), comment)


def ints(values: tuple[int, ...]) -> str:
    return "{" + ", ".join(c_int(v) for v in values) + "}"


def pairs_call(work: Broadcast, place: Place, types: tuple[str, str], expression: str) -> str:
    """A call of TP_PAIRS for inputs and an output of these types; `expression`: of `a` and `b`, an element of each."""
    body = f"    static const int32_t shape[4] = {ints(work.shape)};\n"
    for side, strides in zip("ab", work.strides, strict=True):
        body += f"    static const int32_t stride_{side}[4] = {ints(strides)};\n"
    (a, b), (given, made) = place.inputs, map(c_type, types)
    ends = ("shape", "stride_a", given, a, "stride_b", given, b)
    return body + call("TP_PAIRS", *ends, made, expression, place.output)


def numbers_constant(struct: str, name: str, numbers: tuple[int, ...]) -> str:
    """A constant `struct` of integers."""
    return f"    static const struct {struct} {name} = {ints(numbers)};\n"


def window_constant(window: Window, edge: tuple[str, ...] = ()) -> str:
    """The `struct tp_window` of a layer. `edge`: see `Place`."""
    in_h, pad_h = edge or (c_int(window.in_shape[0]), c_int(window.pad[0]))
    pairs = (
        ("in_h", in_h),
        ("in_w", c_int(window.in_shape[1])),
        ("in_c", c_int(window.in_shape[2])),
        ("out_h", c_int(window.out_shape[0])),
        ("out_w", c_int(window.out_shape[1])),
        ("out_c", c_int(window.out_shape[2])),
        ("kernel_h", c_int(window.kernel[0])),
        ("kernel_w", c_int(window.kernel[1])),
        ("stride_h", c_int(window.stride[0])),
        ("stride_w", c_int(window.stride[1])),
        ("dilation_h", c_int(window.dilation[0])),
        ("dilation_w", c_int(window.dilation[1])),
        ("pad_h", pad_h),
        ("pad_w", c_int(window.pad[1])),
    )
    rows = (f".{name} = {value}" for name, value in pairs)
    return constant("struct tp_window window", rows, kind="const" if edge else "static const")


def constant(declaration: str, rows: Iterable[str], kind: str = "static const") -> str:
    """A constant inside a layer's function, as many `rows` to a line as there is room for."""
    indented = "\n".join(f"    {line}" for line in c_rows(rows, WIDTH - 4).splitlines())
    return f"    {kind} {declaration} = {{\n{indented}\n    }};\n"


def weights_array(prefix: str, weights: npt.NDArray[np.int8], comment: str) -> Array:
    return Array(f"{prefix}_weights", "int8_t", weights.ravel(), comment)


def channels_array(
    prefix: str, channels: Channels, bias: npt.NDArray[np.int32] | None = None, *, fillers: int = 0
) -> Array:
    """`struct tp_channel` of every output channel, and of `fillers` more that are never stored.

    `bias` replaces the model's where a kernel folded into it.
    """
    # A flushed multiplier gives 0 whatever the shift; 1 keeps the short requantization allowed.
    right = np.where(channels.multiplier == 0, 1, -channels.shift).astype(np.int32)
    rows = np.stack([channels.bias if bias is None else bias, channels.multiplier, right], axis=1)
    filled = np.concatenate([rows, np.tile(np.array([0, 0, 1], np.int32), (fillers, 1))])
    comment = "Bias, multiplier and right shift of each output channel."
    return Array(f"{prefix}_channels", "struct tp_channel", filled, comment)


def folded_bias(work: Weighted) -> npt.NDArray[np.int32]:
    """Bias minus in_zero times the sum of all weights of the channel, modulo 2**32 as the accumulator counts."""
    sums = work.rows.astype(np.int64).sum(axis=1)
    bias: npt.NDArray[np.int64] = work.channels.bias.astype(np.int64) - work.in_zero * sums
    return bias.astype(np.int32)


def short_requantization_lacks(work: Weighted, bounds: Bounds | None) -> str | None:
    """What every kernel with the short requantization needs; None where it has it."""
    if bounds is not None and work.channels.right_only(bounds):
        return None
    return "accumulators below 2^30 and right shifts, proven for every channel"


# The reach of an immediate offset of LDR, TP_DOT_LENGTH in tp_dsp.h.
LONGEST_COLUMN = 4092


def dot_iterations(length: int) -> int:
    """Times that tp_dot_2x2 goes round for columns of so many codes."""
    return length // next(codes for codes in (16, 8, 4) if length % codes == 0)


def filled_rows(work: Weighted, length: int, multiple: int) -> tuple[npt.NDArray[np.int8], int]:
    """Weights as rows, zeros up to `length` columns and a multiple of so many rows; how many rows were added."""
    fillers = -len(work.rows) % multiple
    return np.pad(work.rows, ((0, fillers), (0, length - work.rows.shape[1]))), fillers
