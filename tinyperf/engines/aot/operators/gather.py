"""GATHER: parts of the input along one dimension."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, Typed, moved
from tinyperf.engines.aot.operators._constant import constants
from tinyperf.engines.aot.operators._picked import Picked, picked
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import strides_of
from tinyperf.engines.aot.operators._taken import Taken

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def _axes(use: Use) -> tuple[int, int]:
    """The axis, and how many dimensions before it the indices have too."""
    rank, index_rank = len(use.input(0).shape), len(use.input(1).shape)
    axis, batch = use.number("axis"), use.number("batch_dims")
    return axis + rank if axis < 0 else axis, batch + index_rank if batch < 0 else batch


def axis_exists(use: Use) -> str | None:
    """The axis is a dimension of the input, and there are no batch dimensions."""
    axis, batch = _axes(use)
    return None if 0 <= axis < len(use.input(0).shape) and not batch else f"axis {axis}, batch_dims {batch}"


def indices_fit(use: Use) -> str | None:
    """Indices are int32, constant ones within the axis; the output has one part for each of them."""
    (shape, indices), (axis, _) = (use.input(0).shape, use.input(1)), _axes(use)
    if indices.dtype != "int32":
        return f"index tensor {indices.index} is {indices.dtype}"
    if (
        indices.data is not None
        and indices.elements
        and not 0 <= int(indices.data.min()) <= int(indices.data.max()) < shape[axis]
    ):
        return f"indices {int(indices.data.min())} to {int(indices.data.max())} of {shape[axis]}"
    made = (*shape[:axis], *indices.shape, *shape[axis + 1 :])
    return None if made == use.output.shape else f"output {list(use.output.shape)}, expected {list(made)}"


def fold(use: Use) -> npt.NDArray[np.generic] | None:
    data = constants(use)
    if data is None or axis_exists(use) or indices_fit(use):
        return None
    return np.take(data[0], data[1].astype(np.int64), axis=_axes(use)[0])


def lower(use: Use) -> Picked | Taken:
    shape, indices, (axis, _) = use.input(0).shape, use.input(1).data, _axes(use)
    if indices is None:
        parts = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
        return Taken(*parts, use.input(1).elements, use.output.dtype)
    tables: list[list[int]] = [
        [i * stride for i in range(n)] for n, stride in zip(shape, strides_of(shape), strict=True)
    ]
    tables[axis] = [int(i) * strides_of(shape)[axis] for i in indices.ravel()]
    return picked(use.input(0), tables)


def sample(random: Random) -> Sample:
    shape = (1, *(random.integer(1, 5) for _ in range(random.integer(0, 3))))
    given, axis = random.tensor(shape, random.scale()), random.integer(0, len(shape) - 1)
    many = random.pick((random.integer(1, 6),), (2, random.integer(1, 3)), ())
    indices = random.generator.integers(0, shape[axis], many).astype(np.int32).reshape(many)
    made = random.like(given, (*shape[:axis], *many, *shape[axis + 1 :]))
    options = {"axis": random.pick(axis, axis - len(shape)), "batch_dims": 0}
    return random.use("GATHER", (given, random.constant(indices), made), (0, 1), options)


def sample_computed(random: Random) -> Sample:
    """The indices are an input of the model, and now and then what they take from is none."""
    drawn = sample(random)
    given, indices, made = drawn.tensors
    axis, index = drawn.options["axis"], random.tensor(indices.shape, 1.0, dtype="int32")
    if random.pick(True, False):
        given = random.constant(random.codes(*given.shape), like=given)
    size = given.shape[axis if isinstance(axis, int) else 0]
    return replace(random.use("GATHER", (given, index, made), (0, 1), drawn.options), limits={1: (0, size - 1)})


OPERATOR = Operator(
    kind="GATHER",
    arity=Arity(2, 2, computed=(1,)),
    rules=(axis_exists, indices_fit, codes_are_copied),
    lower=lower,
    fold=fold,
    sample=sample,
    types=(
        *moved("int8", "float32"),
        *(Typed((dtype, "int32"), (dtype,), scales=False, sample=sample_computed) for dtype in ("int8", "float32")),
    ),
)
