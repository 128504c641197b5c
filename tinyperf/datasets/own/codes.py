"""Values of the user's as the bytes of an input tensor, by the model's own scale and zero point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.errors import DataError
from tinyperf.wire import quantization, quantized, real_range

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.tflite import Tensor

    Array = npt.NDArray[Any]

MOST_CLIPPED = 0.5
"""Share of the values: more is no choice of calibration any more, but another unit."""
NOTED_CLIPPED = 0.001
FEWEST_CODES = 4
"""Inputs that span fewer codes all look the same to the model."""
QUANTIZED = ("int8", "uint8", "int16")


@dataclass(frozen=True)
class Encoded:
    """`rows`: [n, *shape] of the tensor's type. `note`: how they became that, and what was lost."""

    rows: Array
    note: str


def encoded(values: Array, tensor: Tensor, where: str, *, whole: bool = True) -> Encoded:
    """`values` [n, ...] as what the tensor holds.

    - Of the tensor's own type: as they are.
    - uint8 for int8: pixels. code = pixel - 128, since the range of an image model spans its pixels' range however its
      training scaled them.
    - Any other number: a real value, quantized with the tensor's scale and zero point.

    Args: where: what messages call the values, "data.npz: x". whole: they are the whole set, whose range says whether
        they are in the model's unit.
    Raises: DataError: no numbers, not finite, or of another range than the model's.
    """
    if values.dtype.kind not in "biuf":
        raise DataError(f"{where} holds {values.dtype}, no numbers", hint="give arrays of numbers")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"{where} holds values that are not finite", hint="leave those samples out")
    rows = values.reshape(len(values), *tensor.shape)
    if str(values.dtype) == tensor.dtype:
        as_codes = (
            f", taken as codes ({tensor.quantization})" if tensor.dtype in QUANTIZED and tensor.quantization else ""
        )
        return Encoded(rows, f"{where} is {values.dtype} like the input{as_codes}")
    if tensor.dtype == "int8" and values.dtype == np.uint8:
        return Encoded(
            (rows.astype(np.int16) - 128).astype(np.int8), f"{where} is uint8, taken as pixels: code = pixel - 128"
        )
    if tensor.dtype in QUANTIZED and tensor.quantization:
        return _quantized(rows, tensor, where) if whole else Encoded(quantized(rows.astype(np.float32), tensor), "")
    return _converted(rows, tensor, where)


def _converted(rows: Array, tensor: Tensor, where: str) -> Encoded:
    """For inputs without a scale: floats and whole numbers as they are."""
    wanted = np.dtype(tensor.dtype)
    if wanted.kind == "f":
        return Encoded(rows.astype(wanted), f"{where} is {rows.dtype}, taken as real values")
    made = rows.astype(wanted)
    if not np.array_equal(made, rows):
        raise DataError(
            f"{where} holds {rows.dtype} values that {tensor.dtype} does not hold",
            means=f"input '{tensor.name}' is {tensor.dtype} without a scale",
            hint=f"give whole numbers of {tensor.dtype}",
        )
    return Encoded(made, f"{where} is {rows.dtype}, taken as whole numbers")


def _quantized(rows: Array, tensor: Tensor, where: str) -> Encoded:
    real = rows.astype(np.float32)
    scale, _ = quantization(tensor)
    low, high = real_range(tensor)
    clipped = float(np.mean((real < low - scale / 2) | (real > high + scale / 2)))
    seen = f"{where} reaches from {real.min():g} to {real.max():g}, input '{tensor.name}' from {low:.4g} to {high:.4g}"
    if clipped > MOST_CLIPPED:
        raise DataError(f"{seen}: {clipped:.0%} of the values would be clipped", means=MEANS, hint=_unit(real, high))
    codes = quantized(real, tensor)
    if (span := int(codes.max()) - int(codes.min())) < FEWEST_CODES and codes.size > 1:
        raise DataError(f"{seen}: they differ by {span} of its 256 codes", means=MEANS, hint=_unit(real, high))
    lost = f"; {clipped:.1%} of the values are clipped ({seen})" if clipped > NOTED_CLIPPED else ""
    return Encoded(codes, f"{where} is {rows.dtype}, quantized with {tensor.quantization}{lost}")


MEANS = "the values are in another unit than those that the model was calibrated with"


def _unit(real: npt.NDArray[np.float32], high: float) -> str:
    """What was probably meant, from the ranges of pictures."""
    pixels = real.min() >= 0 and 1 < real.max() <= 255
    if pixels and high < 2:
        return "pixels? this model takes them scaled: x / 255 (range 0 to 1), or x / 127.5 - 1 (range -1 to 1)"
    if real.max() <= 1 and high > 100:
        return "pixels? this model takes them unscaled: 255 * x"
    return "give the values as the float model took them in training"
