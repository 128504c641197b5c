"""ZEROS_LIKE: known at compile time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use


def fold(use: Use) -> npt.NDArray[np.generic]:
    """micro/kernels/zeros_like.cc: the code is 0, whatever the zero point."""
    return np.zeros(use.input(0).shape, use.output.dtype)


OPERATOR = Operator(kind="ZEROS_LIKE", arity=Arity(1, 1), rules=(), fold=fold)
