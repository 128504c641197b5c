"""STRIDED_SLICE of shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator
from tinyperf.engines.aot.operators._constant import constants, works_on_constants

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use


def fold(use: Use) -> npt.NDArray[np.int32] | None:
    data = constants(use)
    if data is None:
        return None
    if use.number("ellipsis_mask") or use.number("new_axis_mask"):
        raise ValueError("ellipsis and new-axis masks are not supported")
    return np.asarray(data[0][_index(use, *(part.astype(int).tolist() for part in data[1:4]))], np.int32)


def _index(use: Use, begin: list[int], end: list[int], strides: list[int]) -> tuple[int | slice, ...]:
    index: list[int | slice] = []
    for axis, (first, last, step) in enumerate(zip(begin, end, strides, strict=True)):
        bit = 1 << axis
        if use.number("shrink_axis_mask") & bit:
            index.append(first)
        else:
            start = None if use.number("begin_mask") & bit else first
            index.append(slice(start, None if use.number("end_mask") & bit else last, step))
    return tuple(index)


OPERATOR = Operator(
    kind="STRIDED_SLICE",
    arity=Arity(4, 4),
    rules=(works_on_constants,),
    fold=fold,
)
