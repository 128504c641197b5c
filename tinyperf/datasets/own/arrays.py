"""Inputs and labels of an .npz file: `x` [n, ...] and `y`; of several inputs an array each, by name or x0, x1, ..."""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.datasets.own.codes import encoded
from tinyperf.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.tflite import Model, Tensor

    Array = npt.NDArray[Any]

HINT = "numpy.savez('data.npz', x=inputs, y=labels) writes one"
LARGEST_ARRAY_BYTES = 4 << 30


@dataclass(frozen=True)
class Head:
    """What an array is, said by its first bytes."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return f"{list(self.shape)} {self.dtype}"


@dataclass(frozen=True)
class Arrays:
    """`inputs`: [n * frames, *shape] for each input tensor, of its type; `frames` of a sample, one behind the other.
    `y`: as in the file. `names`: of classes, if given.
    """

    inputs: tuple[Array, ...]
    frames: int
    y: Array | None
    names: tuple[str, ...]
    notes: tuple[str, ...]


def load(path: Path, model: Model, count: int | None, *, streams: bool = False) -> Arrays:
    """The first `count` samples (None: all). Shapes are judged by the heads, before anything is read.

    streams: a sample may be several frames, x [n, frames, ...].

    Raises: DataError: damaged, objects in place of numbers, arrays missing or of other shapes than the model's inputs.
    """
    heads = _heads(path)
    tensors = [model.tensors[i] for i in model.inputs]
    names = [_name(tensor, number, heads, path, len(tensors)) for number, tensor in enumerate(tensors)]
    pairs = list(zip(names, tensors, strict=True))
    lengths = {name: _length(heads[name], tensor, name, path, streams=streams) for name, tensor in pairs}
    samples, frames = lengths[names[0]]
    if len({*lengths.values()}) > 1 or ("y" in heads and heads["y"].shape[:1] != (samples,)):
        seen = ", ".join(f"{name} {head}" for name, head in heads.items())
        raise DataError(f"{path} holds {seen}", means="arrays of one length are needed: a row is a sample", hint=HINT)
    inputs, notes = [], []
    for name, tensor in pairs:
        given = _array(path, name)[:count]
        rows = given.reshape(len(given) * frames, *given.shape[2:]) if frames > 1 else given
        made = encoded(rows, tensor, f"{path.name}: {name}")
        inputs.append(made.rows)
        notes.append(made.note)
    y = _array(path, "y")[:count] if "y" in heads else None
    said = tuple(map(str, _array(path, "labels").ravel())) if "labels" in heads else ()
    return Arrays(tuple(inputs), frames, y, said, tuple(notes))


def _heads(path: Path) -> dict[str, Head]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            heads = {name.removesuffix(".npy"): _head(archive, name) for name in names}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as exc:
        raise DataError(
            f"{path} cannot be read as an .npz file ({type(exc).__name__})", means="it is cut short", hint=HINT
        ) from exc
    for name, head in heads.items():
        if head.dtype.hasobject:
            raise DataError(
                f"{path}: '{name}' holds Python objects, which are pickles and never read",
                hint="np.array(..., dtype=np.float32) makes numbers of them",
            )
        if math.prod(head.shape) * head.dtype.itemsize > LARGEST_ARRAY_BYTES:
            raise DataError(f"{path}: '{name}' is {head}: above 4 GiB", hint="save a part of the samples")
    return heads


def _head(archive: zipfile.ZipFile, name: str) -> Head:
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return Head(shape, dtype)


def _array(path: Path, name: str) -> Array:
    try:
        with np.load(path, allow_pickle=False) as held:
            array: Array = held[name]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as exc:
        raise DataError(
            f"{path}: '{name}' cannot be read ({type(exc).__name__})", means="it is cut short", hint=HINT
        ) from exc
    return array


def _name(tensor: Tensor, number: int, heads: dict[str, Head], path: Path, count: int) -> str:
    """Which array is this input."""
    wanted = ["x"] if count == 1 else [tensor.name, f"x{number}"]
    for name in wanted:
        if name in heads:
            return name
    seen = ", ".join(f"{name} {head}" for name, head in heads.items()) or "nothing"
    raise DataError(
        f"{path} holds {seen}; an array {' or '.join(wanted)} [n, {', '.join(map(str, _row(tensor)))}] is needed",
        means=f"input '{tensor.name}' of the model takes {list(tensor.shape)}",
        hint=HINT,
    )


def _length(head: Head, tensor: Tensor, name: str, path: Path, *, streams: bool) -> tuple[int, int]:
    """Samples of an array, and frames of each; a frame may lack the dimensions of 1 that the input has."""

    def bare(shape: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(extent for extent in shape if extent != 1)

    if head.shape and head.shape[0] > 0:
        if bare(head.shape[1:]) == bare(tensor.shape):
            return head.shape[0], 1
        if streams and head.shape[1:2] > (0,) and bare(head.shape[2:]) == bare(tensor.shape):
            return head.shape[0], head.shape[1]
    frames = ", and a sample may be several such frames" if streams else ""
    raise DataError(
        f"{path}: {name} is {head}; input '{tensor.name}' takes rows of {_row(tensor)}{frames}",
        means=_difference(head, tensor),
        hint="a row of the array is one input of the model, height x width x channels for pictures",
    )


def _difference(head: Head, tensor: Tensor) -> str:
    row = list(head.shape[1:])
    if sorted(row) == sorted(_row(tensor)):
        return "the dimensions are there in another order: numpy.transpose puts channels last"
    if math.prod(row) == tensor.elements:
        return "as many values, in another shape"
    return "this file was made for another model"


def _row(tensor: Tensor) -> list[int]:
    shape = tensor.shape
    return list(shape[1:] if shape[:1] == (1,) else shape)
