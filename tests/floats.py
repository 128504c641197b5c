"""How far floats are from the ones expected, counted in float32 numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Data = npt.NDArray[Any]


def distance(made: Data, expected: Data, least: float = 0.0) -> float:
    """The largest difference, in ulps of the expected number, or of `least` where that is larger.

    NaN equals NaN, 0 is not -0, and infinities equal themselves alone.
    """
    same = (made.view(np.uint32) == expected.view(np.uint32)) | (np.isnan(made) & np.isnan(expected))
    if same.all():
        return 0.0
    if least:
        unit = np.spacing(np.maximum(np.abs(expected), np.float32(least)))
        off = np.abs(made.astype(np.float64) - expected) / unit
    else:
        off = np.abs(_counted(made) - _counted(expected)).astype(np.float64)
        off[np.isnan(made) != np.isnan(expected)] = np.inf
    off[same] = 0
    return float(off.max())


def _counted(numbers: Data) -> npt.NDArray[np.int64]:
    """Neighbours differ by 1; 0 and -0 too."""
    bits = np.ascontiguousarray(numbers).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(2**31) - bits - 1, bits)


def assert_near(made: Data, expected: Data, ulps: int, least: float, what: str) -> None:
    """Equal, or floats no further apart than that."""
    if made.dtype == np.float32:
        assert distance(made, expected, least) <= ulps, what
    else:
        np.testing.assert_array_equal(made, expected, err_msg=what)
