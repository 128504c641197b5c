"""3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3) in integers, where the bounds of the sums license it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, constant, folded_bias, window_constant
from tinyperf.engines.aot.kernels._lead import by_rows
from tinyperf.engines.aot.kernels._rounding import rounding, rounding_lacks
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.plan import ALIGNMENT

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place

G = np.array([(1, 0, 0), (-1, -1, -1), (-1, 1, -1), (1, 2, 4), (1, -2, 4), (0, 0, 1)])
"""Of a column of weights; rows scaled until they are whole, as the header's A' expects."""

LARGEST = 2**25
"""Of |Y|: Z / 9 is 64 Y."""

BIAS = 144
"""Times the bias goes into Z, in 32 bits."""

FINER, MOST_FINER = 5, 2**30
"""Bits that the kernel's 64 Y has more than twice Y; its product is below 2^30, so its constant has to be."""

PAIRS = (1, 4)
"""Of output channels between two turns: fewer leave room, more let code stay in the cache of instructions."""

MOST_TILES = 16
MOST_CODES = 680
"""Tiles of a group times input channels: the reach of an offset, three positions of V further."""

LONGEST_ROW = 2044
"""Bytes of a row of the image with its padding: the reach of an offset, two rows further."""

MOST_BYTES = 480_000
"""Of U, which has eight times the bytes of the weights: of a layer of more, flash would be full of it."""

MOST_STEPS = 16
"""Pairs of input channels a pass: more would not fit into the cache of instructions."""


MOST_OFF = 16 - ALIGNMENT
"""Bytes of the scratch before the first multiple of 16 in it."""


def lacks(work: Conv, bounds: Bounds | None) -> str | None:
    window = work.window
    if window.kernel != (3, 3) or window.stride != (1, 1) or window.dilation != (1, 1):
        return "a 3x3 kernel, stride 1"
    (in_h, in_w, in_c), (out_h, out_w, out_c) = window.in_shape, window.out_shape
    if in_c % 4 or out_c % 2 or out_h % 4 or out_w % 4 or in_h * in_w < 4:
        return "input channels, output rows and columns in fours, output channels in twos"
    if (out_w + 2) * in_c > LONGEST_ROW or 4 * in_c > MOST_CODES:
        return f"rows of at most {LONGEST_ROW} codes, and at most {MOST_CODES // 4} input channels"
    if 72 * in_c * out_c > MOST_BYTES:
        return f"transformed weights of at most {MOST_BYTES:,} bytes"
    if bounds is None or bounds.largest >= LARGEST or np.abs(_bias(work)).max() * BIAS >= 2**31:
        return "accumulators below 2^25 and biases below 2^31 / 144, proven for every channel"
    return rounding_lacks(work, bounds)


def _bias(work: Conv) -> npt.NDArray[np.int64]:
    """Of codes counted from -128."""
    sums = work.rows.astype(np.int64).sum(axis=1)
    biases: npt.NDArray[np.int64] = folded_bias(work) - 128 * sums
    return biases


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    cuts = sorted(set(_cuts(work)), reverse=True)
    return tuple(_form(work, costs, tiles, pairs) for tiles in cuts for pairs in PAIRS)


def _cuts(work: Conv) -> list[int]:
    """Tiles of a group: whole rows of tiles, or an even part of one."""
    rows, across = work.window.out_shape[0] // 4, work.window.out_shape[1] // 4
    most = min(MOST_TILES, MOST_CODES // work.window.in_shape[2] // 4 * 4)
    whole = [across * n for n in range(1, rows + 1) if across * n <= most]
    return whole[-1:] + [tiles for tiles in (*whole, *_divisors(across)) if tiles % 4 == 0 and tiles <= most] or [1]


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


def _steps(in_c: int) -> int:
    """Pairs of input channels a pass."""
    return max(n for n in _divisors(in_c // 2) if n <= MOST_STEPS)


def _cut(work: Conv, tiles: int) -> tuple[int, int]:
    """Tiles across and rows of tiles of a group of so many."""
    across = work.window.out_shape[1] // 4
    return (tiles, 1) if tiles < across else (across, tiles // across)


def _form(work: Conv, costs: Costs, tiles: int, pairs: int) -> Form:
    (_, _, in_c), (out_h, out_w, out_c) = work.window.in_shape, work.window.out_shape
    across, rows = _cut(work, tiles)
    groups = -(-out_h // 4 // rows) * (out_w // 4 // across)
    filled = tiles + -tiles % 4
    blocks = groups * 36 * filled // 4 * out_c // 2
    passes = in_c // 2 // _steps(in_c)
    cycles = blocks * (costs["product"] * 8 * in_c + costs["block"] + costs["pass"] * (passes - 1))
    cycles += groups * tiles * 16 * in_c * costs["input"] + out_h * (out_w + 2) * in_c * costs["copied"]
    cycles += groups * (tiles * 16 * out_c * costs["output"] + out_c * (costs["call"] + costs["turn"] / pairs))
    cycles += groups * 72 * in_c * out_c * costs["weights"]
    row = (out_w + 2) * in_c
    scratch = MOST_OFF + 6 * row + 72 * filled * in_c + max(24 * (4 * across + 2), 288 * filled * pairs)
    return Form(cycles, scratch_bytes=scratch, lead=(by_rows(work.window, 4 * rows),), block=tiles * MOST_TILES + pairs)


def emit(work: Conv, place: Place) -> Code:
    window = work.window
    tiles, pairs = divmod(place.form.block, MOST_TILES)
    (_, _, in_c), (_, out_w, out_c) = window.in_shape, window.out_shape
    across, rows = _cut(work, tiles)
    filled = tiles + -tiles % 4
    steps = _steps(in_c)
    row, position = (out_w + 2) * in_c, 2 * filled * in_c
    functions = {
        f"tp_winograd_input_{in_c}_{row}_{position}": f"TP_WINOGRAD_INPUT({{}}, {in_c}, {row}, {position})",
        f"tp_winograd_products_{in_c}_{filled}": f"TP_WINOGRAD_PRODUCTS({{}}, {in_c // 2}, {steps}, {filled // 4})",
    }
    moves = tuple(functions)
    rounded = _rounded(work)
    finish = [f"tp_winograd_output_{out_c}_{filled}_{shift}{'_exact' * ties}" for shift, ties in rounded.kinds]
    for name, (shift, ties) in zip(finish, rounded.kinds, strict=True):
        functions[name] = f"TP_WINOGRAD_OUTPUT({{}}, {out_c}, {filled}, {shift}, {int(ties)})"
    weights = Array(
        f"{place.prefix}_u", "int16_t", _transformed(work, rounded.order), "G w G, see tp_conv_winograd_dsp.h."
    )
    channels = Array(f"{place.prefix}_channels", "struct tp_winograd_channel", rounded.rows, CHANNELS)
    body = window_constant(window) + constant("tp_winograd_output_function finish[]", finish)
    body += call(
        "tp_conv_winograd_dsp",
        "&window",
        across,
        rows,
        filled,
        pairs,
        *moves,
        "finish",
        place.inputs[0],
        weights.name,
        channels.name,
        work.in_zero,
        *work.clamp,
        place.scratch,
        place.output,
    )
    return Code((weights, channels), body, definitions=tuple(text.format(name) for name, text in functions.items()))


CHANNELS = "Bias times 144, multiplier, and constant of each output channel, and which it is."


@dataclass(frozen=True, eq=False)
class _Rounded:
    """Rows of `struct tp_winograd_channel`; right shift of each, and whether the sign of its results matters.

    order: output channels, those of one kind one after another, so that the two that share U share a function.
    """

    order: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    kinds: list[tuple[int, bool]]


def _rounded(work: Conv) -> _Rounded:
    made = rounding(work)
    dead = made.multiplier == 0  # gives the zero point whatever the shift
    shift = np.where(dead, made.shift, made.shift - made.left.astype(np.int64))
    constant = np.where(dead, (1 << (shift - 1)) + (np.int64(work.out_zero) << shift), made.constant)
    finer = (2 * constant + 1) << FINER - 1
    ties = made.ties | (np.abs(finer) >= MOST_FINER)
    order = np.lexsort((shift, ties))
    fields = (BIAS * _bias(work), made.multiplier, np.where(ties, constant, finer), np.arange(len(shift)))
    kinds = zip(shift[order].tolist(), ties[order].tolist(), strict=True)
    return _Rounded(order, np.stack(fields, axis=1).astype(np.int32)[order], list(kinds))


def _transformed(work: Conv, channels: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
    """[pair of output channels, position, pair of input channels, output, input of the pair]: 0, 2, 1, 3 of fours.

    Args: channels: the order of the outputs.
    """
    out_c, in_c = work.weights.shape[0], work.weights.shape[3]
    wide: npt.NDArray[np.int64] = np.einsum("ia,nabc,jb->nijc", G, work.weights[channels].astype(np.int64), G)
    order = wide.reshape(out_c // 2, 2, 36, in_c // 4, 2, 2).transpose(0, 2, 3, 5, 1, 4)
    return order.astype(np.int16).ravel()


KERNEL = Kernel(
    "conv_winograd_dsp",
    Conv,
    "tp_conv_winograd_dsp.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"dsp", "fpu"}),
)
