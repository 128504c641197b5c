"""BROADCAST_TO: the input repeated along its dimensions of one, and along new ones before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import EVERY, Arity, Operator, moved
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import MOST, Strided, strided, strides_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def shape_is_constant(use: Use) -> str | None:
    """The shape is constant int32 or int64, of at most five dimensions; the output has it, the input broadcasts."""
    given, made, tensor = use.input(0).shape, use.output.shape, use.input(1)
    if tensor.data is None or tensor.dtype not in {"int32", "int64"} or len(tensor.shape) != 1:
        return f"shape tensor {tensor.index} is {'computed' if tensor.data is None else tensor.dtype}"
    if tuple(tensor.data.astype(int)) != made or len(made) > MOST or len(given) > len(made):
        return f"shape {tensor.data.tolist()}, input {list(given)}, output {list(made)}"
    behind = made[len(made) - len(given) :]
    return None if all(a in {1, b} for a, b in zip(given, behind, strict=True)) else f"{list(given)} to {list(made)}"


def fold(use: Use) -> npt.NDArray[np.generic] | None:
    data = use.input(0).data
    return None if data is None or shape_is_constant(use) else np.broadcast_to(data, use.output.shape).copy()


def lower(use: Use) -> Strided:
    made = use.output.shape
    given = (1,) * (len(made) - len(use.input(0).shape)) + use.input(0).shape
    strides = [0 if n == 1 else stride for n, stride in zip(given, strides_of(given), strict=True)]
    return strided(use.input(0), 0, zip(made, strides, strict=True))


def sample(random: Random) -> Sample:
    made = (1, *(random.integer(1, 4) for _ in range(random.integer(0, 4))))
    given = tuple(n if random.pick(True, False) else 1 for n in made)[random.integer(0, len(made) - 1) :]
    image = random.tensor(given, random.scale())
    shape = random.constant(np.array(made, random.pick(np.int32, np.int64)))
    return random.use("BROADCAST_TO", (image, shape, random.like(image, made)), (0, 1))


OPERATOR = Operator(
    kind="BROADCAST_TO",
    arity=Arity(2, 2),
    rules=(shape_is_constant, codes_are_copied),
    lower=lower,
    fold=fold,
    sample=sample,
    types=moved(*EVERY),
)
