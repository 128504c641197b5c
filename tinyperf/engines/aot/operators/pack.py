"""PACK of shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import ANY, Arity, Operator
from tinyperf.engines.aot.operators._constant import constants, works_on_constants

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use


def fold(use: Use) -> npt.NDArray[np.generic] | None:
    data = constants(use)
    return None if data is None else np.stack(data, axis=use.number("axis"))


OPERATOR = Operator(
    kind="PACK",
    arity=Arity(1, ANY, data=(0, ANY)),
    rules=(works_on_constants,),
    fold=fold,
)
