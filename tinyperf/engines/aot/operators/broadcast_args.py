"""BROADCAST_ARGS: the shape to which two shapes broadcast, known at compile time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator
from tinyperf.engines.aot.operators._constant import constants

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use


def shapes_are_constant(use: Use) -> str | None:
    """Both shapes are known at compile time."""
    return None if constants(use) is not None else "a shape is computed while running"


def fold(use: Use) -> npt.NDArray[np.generic] | None:
    data = constants(use)
    if data is None:
        return None
    shapes = (tuple(int(n) for n in shape.ravel()) for shape in data)
    return np.array(np.broadcast_shapes(*shapes), data[0].dtype)


OPERATOR = Operator(kind="BROADCAST_ARGS", arity=Arity(2, 2), rules=(shapes_are_constant,), fold=fold)
