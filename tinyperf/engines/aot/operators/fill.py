"""FILL: a constant, or one computed code, everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import Strided, strided

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def shape_is_constant(use: Use) -> str | None:
    """The shape is a constant row of integers, and the output has it."""
    tensor, made = use.input(0), use.output.shape
    if tensor.data is None or len(tensor.shape) != 1 or not tensor.dtype.startswith("int"):
        return f"shape tensor {tensor.index} is {'computed' if tensor.data is None else tensor.dtype}"
    sizes = tuple(tensor.data.astype(int))
    return None if sizes == made else f"shape {list(sizes)}, output {list(made)}"


def value_is_a_scalar(use: Use) -> str | None:
    """The value has no dimension, and the output's type."""
    value = use.input(1)
    fits = value.shape == () and value.dtype == use.output.dtype
    return None if fits else f"value {value.dtype} {list(value.shape)}, output {use.output.dtype}"


def fold(use: Use) -> npt.NDArray[np.generic] | None:
    value = use.input(1).data
    if value is None or use.input(0).data is None or shape_is_constant(use) or value_is_a_scalar(use):
        return None
    return np.full(use.output.shape, value, value.dtype)


def lower(use: Use) -> Strided:
    return strided(use.input(1), 0, [(use.output.elements, 0)])


def sample(random: Random) -> Sample:
    made = (1, *(random.integer(1, 5) for _ in range(random.integer(0, 3))))
    value = random.tensor((), random.scale())
    return random.use("FILL", (random.constant(np.array(made, np.int32)), value, random.like(value, made)), (0, 1))


OPERATOR = Operator(
    kind="FILL",
    arity=Arity(2, 2, data=(1, 2)),
    rules=(shape_is_constant, value_is_a_scalar, codes_are_copied),
    lower=lower,
    fold=fold,
    sample=sample,
    types=moved("int8", "int32", "float32"),
)
