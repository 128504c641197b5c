"""STRIDED_SLICE: every so many codes of each dimension, forwards or backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._constant import constants, numbers
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import MOST, Strided, strided, strides_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def fold(use: Use) -> npt.NDArray[np.generic] | None:
    """A slice of a constant, of a shape above all, is a constant."""
    data = constants(use)
    if data is None or bounds_are_constant(use) or masks_are_simple(use):
        return None
    return np.asarray(data[0][tuple(_index(use))])


def _index(use: Use) -> list[int | slice]:
    """numpy's index of every dimension."""
    begin, end, strides = (numbers(use, i) for i in (1, 2, 3))
    index: list[int | slice] = []
    for axis, (first, last, step) in enumerate(zip(begin, end, strides, strict=True)):
        bit = 1 << axis
        if use.number("shrink_axis_mask") & bit:
            index.append(0 if use.number("begin_mask") & bit else first)  # TFLM looks at both masks
        else:
            start = None if use.number("begin_mask") & bit else first
            index.append(slice(start, None if use.number("end_mask") & bit else last, step))
    return index


def bounds_are_constant(use: Use) -> str | None:
    """Begin, end and strides are constant int32, one for each of at most five dimensions, the strides not 0."""
    rank = len(use.input(0).shape)
    for tensor in (use.input(1), use.input(2), use.input(3)):
        if tensor.data is None or tensor.dtype != "int32" or tensor.elements != rank:
            return f"tensor {tensor.index} is {tensor.dtype} of shape {list(tensor.shape)} for {rank} dimensions"
    strides = use.input(3).data
    if rank > MOST or strides is None or 0 in strides.astype(int):
        return f"{rank} dimensions, strides {strides}"
    return None


def masks_are_simple(use: Use) -> str | None:
    """There is no ellipsis and no new axis."""
    masks = {name: use.number(name) for name in ("ellipsis_mask", "new_axis_mask")}
    return ", ".join(f"{name} {mask}" for name, mask in masks.items() if mask) or None


def output_is_the_slice(use: Use) -> str | None:
    """The output has the shape of the slice, which is not empty."""
    given, made = use.input(0).shape, use.output.shape
    for n, index in zip(given, _index(use), strict=True):
        if isinstance(index, int) and not -n <= index < n:
            return f"index {index} of {n}"
    expected = np.empty(given, np.int8)[tuple(_index(use))].shape
    return None if expected == made and 0 not in made else f"output {list(made)}, expected {list(expected)}"


def lower(use: Use) -> Strided:
    """reference/strided_slice.h: as numpy slices."""
    start, dimensions = 0, []
    for n, stride, index in zip(use.input(0).shape, strides_of(use.input(0).shape), _index(use), strict=True):
        taken = range(n)[index] if isinstance(index, slice) else range(index % n, index % n + 1)
        start += taken.start * stride
        dimensions.append((len(taken), taken.step * stride))
    return strided(use.input(0), start, dimensions)


def sample(random: Random) -> Sample:
    shape = (1, *(random.integer(1, 6) for _ in range(random.integer(1, 3))))
    given = random.tensor(shape, random.scale())
    rank = len(shape)
    steps = [random.pick(1, 1, 2, -1) for _ in shape]
    first = [random.integer(0, n - 1) for n in shape]
    ends = [random.integer(a + 1, n) if s > 0 else a - n - 1 for a, n, s in zip(first, shape, steps, strict=True)]
    masks = [random.integer(0, 2**rank - 1) if random.pick(True, False) else 0 for _ in range(2)]
    shrink = random.pick(0, 0, 1 << random.integer(0, rank - 1))
    steps = [1 if shrink >> axis & 1 else step for axis, step in enumerate(steps)]
    index = tuple(
        (0 if masks[0] >> axis & 1 else first[axis])
        if shrink >> axis & 1
        else slice(
            None if masks[0] >> axis & 1 else first[axis], None if masks[1] >> axis & 1 else ends[axis], steps[axis]
        )
        for axis in range(rank)
    )
    made = random.like(given, np.empty(shape, np.int8)[index].shape)
    parts = (random.constant(np.array(part, np.int32)) for part in (first, ends, steps))
    options = {"begin_mask": masks[0], "end_mask": masks[1], "shrink_axis_mask": shrink}
    return random.use("STRIDED_SLICE", (given, *parts, made), (0, 1, 2, 3), options)


OPERATOR = Operator(
    kind="STRIDED_SLICE",
    arity=Arity(4, 4),
    rules=(bounds_are_constant, masks_are_simple, output_is_the_slice, codes_are_copied),
    lower=lower,
    fold=fold,
    sample=sample,
    types=moved("int8", "int16", "int32", "float32", "bool"),
)
