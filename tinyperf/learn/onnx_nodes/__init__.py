"""ONNX operators as TensorFlow's, channels last: one file for each family; the folder is the registry.

A module has `OPERATORS`: for each kind a function that takes a `Node` and gives its first output (Split: all of them).

ONNX counts channels first, microcontroller kernels want them last. A `Symbol` therefore knows which dimension of the
source each of its own dimensions holds, and an ONNX Transpose changes that order and no data. Only where an operator
cannot work in the order at hand does a real transpose arise, and is counted.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

Order = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Symbol:
    """A value of the graph that is not constant.

    tensor: TensorFlow's, with its dimensions in another order than the source's.
    order:  order[i] is the source's dimension that the tensor's dimension i holds.
    flat:   the source has flattened all its dimensions but the first; the tensor still has them, in `order`.
    least:  no value is below this, whatever the input.
    """

    tensor: Any
    order: Order
    flat: bool = False
    least: float = -math.inf

    @property
    def shape(self) -> tuple[int, ...]:
        """The source's shape."""
        sizes = self._unflattened()
        return (sizes[0], math.prod(sizes[1:])) if self.flat else sizes

    def _unflattened(self) -> tuple[int, ...]:
        sizes = [int(n) for n in self.tensor.shape]
        return tuple(sizes[self.order.index(axis)] for axis in range(len(sizes)))

    @property
    def unflattened(self) -> tuple[int, ...]:
        """The source's shape before it was flattened."""
        return self._unflattened()

    def place(self, axis: int) -> int:
        """Where the source's dimension `axis` (negative: from the end) lies in the tensor."""
        return self.order.index(axis % len(self.order))


Value = Any
"""A `Symbol`, or a numpy array: a constant in the source's order."""


def natural(rank: int) -> Order:
    """The source's own order."""
    return tuple(range(rank))


def channels_last(rank: int) -> Order:
    """[batch, ...channels] of [batch, channels, ...]."""
    return (0, *range(2, rank), 1)


@dataclass
class Layouts:
    """Puts tensors into the order that an operator needs; `transposes` counts those that move data."""

    transposes: int = 0

    def ordered(self, symbol: Symbol, order: Order) -> Any:
        """The tensor of `symbol` with its dimensions in `order`."""
        import tensorflow as tf

        if symbol.order == order:
            return symbol.tensor
        move = [symbol.order.index(axis) for axis in order]
        sizes = [int(n) for n in symbol.tensor.shape]
        moving = [axis for axis in move if sizes[axis] > 1]
        if moving == sorted(moving):  # only dimensions of one element change places
            return tf.reshape(symbol.tensor, [sizes[axis] for axis in move])
        self.transposes += 1
        return tf.transpose(symbol.tensor, move)

    def plain(self, value: Value) -> Any:
        """`value` in the source's own order and shape."""
        import tensorflow as tf

        if not isinstance(value, Symbol):
            return tf.constant(value)
        tensor = self.ordered(value, natural(len(value.order)))
        return tf.reshape(tensor, value.shape) if value.flat else tensor

    def unflat(self, value: Symbol) -> Symbol:
        """`value` itself, or what was flattened, in the source's order."""
        return Symbol(self.plain(value), natural(2), least=value.least) if value.flat else value


@dataclass(frozen=True)
class Node:
    """One node of an ONNX graph. `inputs`: values; None where an optional one is absent."""

    kind: str
    name: str
    inputs: tuple[Value, ...]
    attributes: Mapping[str, Any]
    outputs: int
    opset: int
    layouts: Layouts = field(repr=False)

    def optional(self, position: int) -> Value:
        return self.inputs[position] if position < len(self.inputs) else None

    def symbol(self, position: int = 0) -> Symbol:
        """The input there, which is no constant and not flattened."""
        value = self.inputs[position]
        if isinstance(value, Symbol):
            return self.layouts.unflat(value)
        return self.as_symbol(value)

    @staticmethod
    def as_symbol(value: npt.NDArray[Any]) -> Symbol:
        import tensorflow as tf

        return Symbol(tf.constant(value), natural(value.ndim), least=float(value.min()) if value.size else -math.inf)

    def constant(self, position: int) -> npt.NDArray[Any]:
        """Raises: ModelError: that input is computed."""
        value = self.optional(position)
        if value is None or isinstance(value, Symbol):
            raise self.refusal(f"input {position} is {'absent' if value is None else 'computed, not constant'}")
        return np.asarray(value)

    def parameter(self, name: str, position: int) -> list[int] | None:
        """Whole numbers that older opsets give as attribute `name`, newer ones as a constant input."""
        if name in self.attributes:
            return [int(n) for n in np.atleast_1d(self.attributes[name])]
        if self.optional(position) is None:
            return None
        return [int(n) for n in np.atleast_1d(self.constant(position))]

    def number(self, name: str, position: int, default: float) -> float:
        """A real number: attribute `name`, or a constant input."""
        if name in self.attributes:
            return float(self.attributes[name])
        return default if self.optional(position) is None else float(self.constant(position).reshape(-1)[0])

    def refusal(self, seen: str) -> ModelError:
        return ModelError(
            f"ONNX node '{self.name}' {self.kind}: {seen}",
            means="tinyperf has no translation for this use of the operator",
            hint="export the network without it, or convert it to a float .tflite by other means and quantize that",
        )

    def last(self, position: int = 0) -> tuple[Any, Order]:
        """The tensor of an input with its channels last, and that order."""
        symbol = self.symbol(position)
        order = channels_last(len(symbol.order))
        return self.layouts.ordered(symbol, order), order


Translation = Callable[[Node], Value]


@cache
def translations() -> Mapping[str, Translation]:
    """What there is, by the ONNX operator's name."""
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    found: dict[str, Translation] = {}
    for name in names:
        found |= importlib.import_module(f"{__name__}.{name}").OPERATORS
    return found


def axes_of(given: Sequence[int] | None, rank: int) -> list[int]:
    """Axes counted from the front; all of them where none are given."""
    return [axis % rank for axis in given] if given is not None else list(range(rank))
