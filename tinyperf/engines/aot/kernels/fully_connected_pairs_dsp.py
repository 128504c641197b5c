"""FULLY_CONNECTED of one row, eight outputs at a time: two weights a halfword, multiplied as they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, ints, weights_array
from tinyperf.engines.aot.kernels._rounding import rounding, rounding_lacks
from tinyperf.engines.aot.operators.conv_2d import Conv

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place

OUTPUTS, INPUTS = 8, 16
"""At a time; weights are filled up to these."""

CHUNKS = (64, 128)
"""Inputs that are widened at a time, or all of them."""

RELU_SHIFT = 15
"""At most, where negative results need no care: constants 128 times as large fit 32 bits."""

ODD_ZERO = 127
"""What the kernel takes from every odd code, so that 256 * even - odd fits 16 bits."""


def lacks(work: Conv, bounds: Bounds | None) -> str | None:
    if work.window.in_shape[:2] != (1, 1) or work.window.kernel != (1, 1):
        return "one row"
    if work.weights.min(initial=0) == -128:
        return "weights from -127"
    if bounds is None or bounds.largest >= 2**23:
        return "accumulators below 2^23, proven for every channel"
    return rounding_lacks(work, bounds) or (None if rounding(work).uniform else "one scale for all channels")


def _filled(work: Conv) -> tuple[int, int]:
    """Inputs and outputs, with the fillers."""
    inputs, outputs = work.window.in_shape[2], work.window.out_shape[2]
    return inputs + -inputs % INPUTS, outputs + -outputs % OUTPUTS


def forms(work: Conv, costs: Costs) -> tuple[Form, ...]:
    inputs, _ = _filled(work)
    return tuple(_form(work, costs, chunk) for chunk in sorted({min(inputs, size) for size in (*CHUNKS, inputs)}))


def _form(work: Conv, costs: Costs, chunk: int) -> Form:
    inputs, outputs = _filled(work)
    chunks = -(-inputs // chunk)
    output = costs["output"] + (costs["ties"] if _rounding(work)[3] else 0.0)
    cycles = costs["tap"] * inputs * outputs + output * outputs + costs["input"] * inputs + costs["call"]
    cycles += (chunks - 1) * (costs["sum"] * outputs + costs["chunk"])
    scratch_bytes = 2 * chunk + (4 * outputs if chunks > 1 else 0)
    lead = max(work.window.out_shape[2] - work.window.in_shape[2], 0)  # every input is read before any output is made
    return Form(cycles, scratch_bytes=scratch_bytes, lead=(lead,), block=chunk)


def emit(work: Conv, place: Place) -> Code:
    comment = "Weights [chunks of inputs, out / 8, in / 4, 8, 4], a borrow in the odd ones."
    weights = weights_array(place.prefix, _packed(work, place.form.block), comment)
    biases = Array(f"{place.prefix}_biases", "int32_t", _biases(work), "256 times the bias of each output.")
    body = f"    static const struct tp_fully_connected_rounding rounding = {ints(_rounding(work))};\n"
    body += call(
        "tp_fully_connected_pairs_dsp",
        work.window.in_shape[2],
        work.window.out_shape[2],
        place.form.block,
        place.inputs[0],
        weights.name,
        biases.name,
        "&rounding",
        *work.clamp,
        f"(int32_t *)(void *){place.scratch}",
        place.output,
    )
    return Code((weights, biases), body)


def _rounding(work: Conv) -> tuple[int, int, int, int]:
    """Shift, multiplier, constant, how: 0 of sums 256 times too large, SMMLA's cut then rounded by half; else 1.

    Sums below 2^23 give less than 2^30 of such, the constant with a shift of at most 15 a little over 2^29.
    """
    made = rounding(work)
    multiplier, constant, _ = made.rows()[0].tolist()
    if made.ties or made.shift > RELU_SHIFT:
        return made.shift, multiplier, constant, 1
    return made.shift + 7, multiplier, 128 * constant + 64, 0


def _packed(work: Conv, chunk: int) -> npt.NDArray[np.int8]:
    """Where the even weight of two is negative, the odd one is 1 less: the halfword is 256 * odd + even."""
    inputs, outputs = _filled(work)
    rows = work.rows.astype(np.int16)
    filled = np.pad(rows, ((0, outputs - rows.shape[0]), (0, inputs - rows.shape[1])))
    filled[:, 1::2] -= filled[:, 0::2] < 0
    parts = (filled[:, first : first + chunk] for first in range(0, inputs, chunk))
    blocks = (part.reshape(outputs // OUTPUTS, OUTPUTS, -1, 4).transpose(0, 2, 1, 3) for part in parts)
    return np.concatenate([block.ravel() for block in blocks]).astype(np.int8)


def _biases(work: Conv) -> npt.NDArray[np.int32]:
    rows = work.rows.astype(np.int64)
    bias = work.channels.bias - work.in_zero * rows.sum(axis=1) + ODD_ZERO * rows[:, 1::2].sum(axis=1)
    return np.pad(256 * bias, (0, -len(bias) % OUTPUTS)).astype(np.int32)


KERNEL = Kernel(
    "fully_connected_pairs_dsp",
    Conv,
    "tp_fully_connected_pairs_dsp.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"dsp"}),
)
