"""Made-up inputs of any type out of random bytes: right for timing, and for comparing two engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt


def inputs(ends: Iterable[tuple[str, int]], random: Callable[[int], npt.NDArray[np.uint8]]) -> bytes:
    """One inference as the line carries it.

    Codes take all their values, floats go from -2 to 2. Truth values and plain integers are 0 or 1: these may be
    indices, and there is no tensor so short that it has no element 1 but one of a single element.

    Args: ends: type (numpy's name) and elements of each input tensor. random: that many random bytes.
    """
    return b"".join(_tensor(dtype, elements, random) for dtype, elements in ends)


def _tensor(dtype: str, elements: int, random: Callable[[int], npt.NDArray[np.uint8]]) -> bytes:
    if dtype in {"int8", "uint8", "int16"}:
        return random(elements * np.dtype(dtype).itemsize).tobytes()
    grey = random(elements)
    if dtype == "float32":
        return ((grey.astype("<f4") - np.float32(128)) / np.float32(64)).tobytes()
    return (grey & 1).astype(np.dtype(dtype).newbyteorder("<")).tobytes()
