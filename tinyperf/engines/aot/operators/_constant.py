"""Inputs that are known at compile time: of the shape arithmetic before a RESHAPE (a converter that was not told the
batch size computes it while running; here the batch is 1, so every shape is known), and of axes, sizes and margins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use


def constants(use: Use) -> list[npt.NDArray[np.generic]] | None:
    """The data of all inputs, or None where one is computed while running."""
    data = [t.data for t in use.inputs if t is not None and t.data is not None]
    return data if len(data) == len(use.inputs) else None


def numbers(use: Use, position: int) -> list[int]:
    """The whole numbers of a constant input, flat; none where it is computed, or holds other numbers."""
    data = use.input(position).data
    return data.ravel().tolist() if data is not None and np.issubdtype(data.dtype, np.integer) else []
