"""REVERSE_V2: the order of the entries along neighbouring dimensions turned round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._constant import numbers
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import MOST, Strided, strided, strides_of

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def _axes(use: Use) -> list[int]:
    rank = len(use.input(0).shape)
    return sorted(axis + rank if axis < 0 else axis for axis in numbers(use, 1))


def axes_are_neighbours(use: Use) -> str | None:
    """Axes are constant int32, neighbouring dimensions of the input (of at most five); the output has its shape."""
    shape, tensor, axes = use.input(0).shape, use.input(1), _axes(use)
    if tensor.data is None or tensor.dtype != "int32" or len(tensor.shape) != 1 or not axes:
        return f"axis tensor {tensor.index} is {'computed' if tensor.data is None else tensor.dtype}"
    if axes != list(range(axes[0], axes[0] + len(axes))) or axes[0] < 0 or axes[-1] >= len(shape) or len(shape) > MOST:
        return f"axes {axes} of {len(shape)} dimensions"
    return None if shape == use.output.shape else f"{list(shape)} to {list(use.output.shape)}"


def lower(use: Use) -> Strided:
    shape, axes = use.input(0).shape, _axes(use)
    strides = [-stride if axis in axes else stride for axis, stride in enumerate(strides_of(shape))]
    start = sum((n - 1) * -stride for n, stride in zip(shape, strides, strict=True) if stride < 0)
    return strided(use.input(0), start, zip(shape, strides, strict=True))


def sample(random: Random) -> Sample:
    shape = (1, *(random.integer(1, 5) for _ in range(random.integer(0, 4))))
    first = random.integer(0, len(shape) - 1)
    axes = list(range(first, random.integer(first, len(shape) - 1) + 1))
    if random.pick(True, False):
        axes = [axis - len(shape) for axis in reversed(axes)]
    given = random.tensor(shape, random.scale())
    tensors = given, random.constant(np.array(axes, np.int32)), random.like(given, shape)
    return random.use("REVERSE_V2", tensors, (0, 1))


OPERATOR = Operator(
    kind="REVERSE_V2",
    arity=Arity(2, 2),
    rules=(axes_are_neighbours, codes_are_copied),
    lower=lower,
    sample=sample,
    types=moved("int8", "uint8", "int16", "int32", "int64", "float32", "bool"),
)
