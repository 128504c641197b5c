"""SPLIT_V: a tensor in parts of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import ANY, Arity, Operator, moved
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._split import Split, axis_of, random_parts, shapes_split, split

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def parts_fit(use: Use) -> str | None:
    """Axis and sizes are constant int32; the outputs are parts of these sizes (-1: what is left) of the input."""
    given, sizes, axis = use.input(0), use.input(1), axis_of(use.input(0), use.input(2))
    if sizes.data is None or sizes.dtype != "int32" or sizes.elements != len(use.outputs):
        return f"sizes {sizes.dtype} of shape {list(sizes.shape)} for {len(use.outputs)} outputs"
    wrong = shapes_split(use, given, use.input(2))
    if wrong or axis is None:
        return wrong
    asked = sizes.data.ravel().astype(int).tolist()
    fits = all(n in {-1, tensor.shape[axis]} for n, tensor in zip(asked, use.outputs, strict=True))
    return None if fits else f"sizes {asked}, outputs {[list(tensor.shape) for tensor in use.outputs]}"


def lower(use: Use) -> Split:
    return split(use, use.input(0), axis_of(use.input(0), use.input(2)))


def sample(random: Random) -> Sample:
    sizes = [random.integer(1, 4) for _ in range(random.integer(1, 4))]
    given, axis, made = random_parts(random, sizes)
    written = np.array(sizes, np.int32)
    if random.pick(True, False):
        written[random.integer(0, len(sizes) - 1)] = -1
    tensors = (given, random.constant(written), axis, *made)
    return random.use("SPLIT_V", tensors, (0, 1, 2), {"num_splits": len(sizes)}, made=len(sizes))


OPERATOR = Operator(
    kind="SPLIT_V",
    arity=Arity(3, 3, outputs=ANY),
    rules=(parts_fit, codes_are_copied),
    lower=lower,
    sample=sample,
    types=moved("int8", "int16", "int32", "float32"),
)
