"""A .tflite model as typed values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Quantization:
    """real = scale * (q - zero_point); one entry per tensor, or one per index of `axis`."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        return len(self.scale) > 1


@dataclass(frozen=True)
class Tensor:
    """`data` is None for activations; else a read-only array of `shape` and `dtype` (numpy name: int8, int32, ...)."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None
    data: npt.NDArray[np.generic] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Op:
    """One operator; `kind` is the schema's name (CONV_2D), `options` its option fields by schema name, snake case.

    An absent optional input is -1.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int | float | str | bool | tuple[int, ...]]


@dataclass(frozen=True)
class Model:
    """One subgraph with one input and one output tensor, batch 1."""

    name: str
    sha256: str
    size_bytes: int
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def input(self) -> Tensor:
        return self.tensors[self.inputs[0]]

    @property
    def output(self) -> Tensor:
        return self.tensors[self.outputs[0]]
