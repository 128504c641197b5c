"""What operators share that exist at compile time only: as Keras writes them before a RESHAPE.

A converter that was not told the batch size computes it while running. Here the batch is 1, so every shape is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use


def works_on_constants(use: Use) -> str | None:
    """Only on shapes, folded at compile time (an open batch size in Keras: tf.keras.Input(batch_shape=(1, ...)))."""
    return None if constants(use) is not None else "works on activations"


def constants(use: Use) -> list[npt.NDArray[np.generic]] | None:
    """The data of all inputs, or None where one is computed while running."""
    data = [t.data for t in use.inputs if t is not None and t.data is not None]
    return data if len(data) == len(use.inputs) else None
