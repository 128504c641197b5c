"""SHAPE: known at compile time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use


def fold(use: Use) -> npt.NDArray[np.int32]:
    return np.array(use.input(0).shape, np.int32)


OPERATOR = Operator(kind="SHAPE", arity=Arity(1, 1), rules=(), fold=fold)
