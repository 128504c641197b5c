"""What operators share that Keras writes before a RESHAPE, to compute its shape.

A converter that was not told the batch size computes it while running. Here the batch is 1, so every shape is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use


def constants(use: Use) -> list[npt.NDArray[np.generic]] | None:
    """The data of all inputs, or None where one is computed while running."""
    data = [t.data for t in use.inputs if t is not None and t.data is not None]
    return data if len(data) == len(use.inputs) else None
