"""Arrays of .npz files, checked before anything is computed from them."""

from __future__ import annotations

import io
import itertools
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf import foreign
from tinyperf.datasets import originals
from tinyperf.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

Wanted = tuple[int | str, ...]
"""A kind (`integer`, `text`, `half or single` precision, or a dtype such as `int8`), then the sizes; a word is any
size, the same wherever the word stands."""


NPZ_HINT = "numpy.savez writes an .npz of arrays; 'tinyperf data' makes the training files"


def read(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Every array of an .npz file, by name.

    Raises: DataError: it is damaged or no such file, something else, or holds values that are not finite.
    """
    kind = foreign.regular(path, "data file", DataError, hint=NPZ_HINT).kind
    if kind is not foreign.NPZ:
        what = kind.what if kind else "no zip archive"
        raise DataError(f"{path} cannot be read as an .npz file: it is {what}", hint=NPZ_HINT)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
    # Of arrays of objects, which are pickles, numpy raises ValueError.
    except (OSError, ValueError, EOFError, TypeError, KeyError, zipfile.BadZipFile, zlib.error) as exc:
        raise DataError(
            f"{path} cannot be read as an .npz file ({type(exc).__name__})",
            means="it is cut short, or holds objects in place of numbers",
            hint=NPZ_HINT,
        ) from exc
    for name, array in found.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            rows = np.atleast_1d(array)
            bad = int(np.flatnonzero(~np.isfinite(rows).reshape(len(rows), -1).all(1))[0])
            raise DataError(
                f"{path}: '{name}' holds a value that is not finite, first in row {bad}",
                means="whatever is computed from it would be no number either",
                hint="leave that sample out",
            )
    return found


def expect(path: Path, wanted: Mapping[str, Wanted]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a training file, each of its kind and shape.

    Raises: DataError: as `read`, or an array is missing or of another kind or shape.
    """
    found = read(path)
    sizes: dict[int | str, int] = {}
    for name, (kind, *shape) in wanted.items():
        array = found.get(name)
        fits = array is not None and array.ndim == len(shape) and array.size > 0 and _is(array.dtype, kind)
        if array is not None and fits:
            for word, size in zip(shape, array.shape, strict=True):
                fits = fits and size == (word if isinstance(word, int) else sizes.setdefault(word, size))
        if array is None or not fits:
            seen = ", ".join(f"{name} {list(array.shape)} {array.dtype}" for name, array in found.items()) or "nothing"
            asked = ", ".join(
                f"{name} [{', '.join(map(str, shape))}] {kind}" for name, (kind, *shape) in wanted.items()
            )
            raise DataError(
                f"{path} holds {seen}; needed are {asked}",
                means=f"'{name}' is missing or of another kind; this is not the file that its name says",
                hint="'tinyperf data' makes the training files",
            )
    return found


def _is(dtype: np.dtype[Any], kind: int | str) -> bool:
    if kind == "integer":
        return dtype.kind in "iu"
    if kind == "text":
        return dtype.kind == "U"
    return dtype in (np.float16, np.float32) if kind == "half or single" else dtype == kind


def pictures(path: Path, found: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[np.uint8]]:
    """The pictures uint8 [h, w, 3] of `jpeg` (bytes, one after the other) and `offset` (where each begins; one more).

    Raises: DataError: they do not fit the labels `y`, or one cannot be decoded. MissingExtraError: no Pillow.
    """
    packed, offset = found["jpeg"].tobytes(), found["offset"].tolist()
    if len(offset) != len(found["y"]) + 1 or offset != sorted(offset) or offset[-1] != len(packed):
        raise DataError(
            f"{path}: {len(offset)} offsets into {len(packed)} bytes do not fit {len(found['y'])} labels",
            means="the file is damaged",
            hint="'tinyperf data' makes the training files",
        )
    made = []
    for number, (first, end) in enumerate(itertools.pairwise(offset)):
        try:
            made.append(originals.picture(io.BytesIO(packed[first:end])))
        except DataError as exc:
            raise DataError(
                f"{path}: picture {number} cannot be decoded", means="the file is damaged", hint="make it again"
            ) from exc
    return made
