"""Works on two inputs, element by element, one of which may repeat along some dimensions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import QUANTIZED, Operand, Signature, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Shape4
    from tinyperf.tflite import Option


@dataclass(frozen=True)
class Broadcast(Work):
    """Element strides of both inputs over `shape` (four dimensions), 0 where one repeats."""

    shape: Shape4
    strides: tuple[Shape4, Shape4]

    @property
    def elementwise(self) -> bool:
        return self.strides[0] == self.strides[1]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def types(self) -> tuple[str, str, str]:
        """Of both inputs and the output."""
        return "int8", "int8", "int8"

    @property
    def signature(self) -> Signature:
        first, second = (
            Operand(tuple(n if step else 1 for n, step in zip(self.shape, strides, strict=True)), dtype)
            for strides, dtype in zip(self.strides, self.types[:2], strict=True)
        )
        return Signature((first, second), (Operand(self.shape, self.types[2]),))


def shapes_broadcast(use: Use) -> str | None:
    """All shapes broadcast to the output's, at most six dimensions; an input may be constant.

    Neighbouring dimensions along which the same inputs repeat count as one, and of these there are at most four.
    """
    shapes = tuple(tensor.shape for tensor in use.data)
    seen = " and ".join(str(list(shape)) for shape in shapes)
    try:
        made: tuple[int, ...] | None = np.broadcast_shapes(*shapes)
    except ValueError:
        made = None
    if made != use.output.shape or len(made) > 6:
        return f"shapes {seen} to {list(use.output.shape)}"
    count = len(_merged(shapes)[0])
    return None if count <= 4 else f"shapes {seen} alternate in {count} groups"


def _merged(shapes: tuple[tuple[int, ...], ...]) -> tuple[list[int], list[tuple[bool, ...]]]:
    """Output dimensions, neighbours that broadcast alike merged, and for each which shapes vary along it."""
    rank = max(len(shape) for shape in shapes)
    sizes: list[int] = []
    kinds: list[tuple[bool, ...]] = []
    for along in zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True):
        kind = tuple(n > 1 for n in along)
        if not any(kind):
            continue
        if kinds and kinds[-1] == kind:
            sizes[-1] *= max(along)
        else:
            sizes.append(max(along))
            kinds.append(kind)
    return sizes, kinds


def broadcast_all(*shapes: tuple[int, ...]) -> tuple[Shape4, tuple[Shape4, ...]]:
    """Output dimensions and the strides of every input over them."""
    sizes, kinds = _merged(shapes)
    missing = 4 - len(sizes)
    n0, n1, n2, n3 = [1] * missing + sizes
    none = (False,) * len(shapes)
    varies = [none] * missing + kinds
    return (n0, n1, n2, n3), tuple(
        _strides((n0, n1, n2, n3), [kind[which] for kind in varies]) for which in range(len(shapes))
    )


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[Shape4, tuple[Shape4, Shape4]]:
    """Output dimensions and the strides of both inputs over them."""
    shape, (first, second) = broadcast_all(a, b)
    return shape, (first, second)


def _strides(shape: Shape4, varies: list[bool]) -> Shape4:
    step, strides = 1, [0, 0, 0, 0]
    for axis in (3, 2, 1, 0):
        if varies[axis]:
            strides[axis] = step
            step *= shape[axis]
    return strides[0], strides[1], strides[2], strides[3]


def random_pair(
    random: Random, kind: str, made: Callable[[float, float], float], options: Mapping[str, Option] | None = None
) -> Sample:
    """The model's input and a constant (of a shape that broadcasts) in either order, or the input twice.

    Args: made: the output's scale, of those of the inputs.
    """
    shape = (1, random.integer(1, 3), random.integer(1, 4), random.integer(1, 5))
    other = tuple(n if random.pick(True, True, False) else 1 for n in shape)[random.integer(0, 3) :]
    scales = random.scale(-3, 0), random.scale(-3, 0)
    tensors = (
        random.tensor(shape, scales[0]),
        random.constant(random.codes(*other), scales[1] if random.given in QUANTIZED else None, random.zero()),
        random.tensor(shape, made(*scales)),
    )
    return random.use(kind, tensors, random.pick((0, 1), (1, 0), (0, 0)), options)
