"""A user's own samples for a user's own model: arrays, pictures or sounds by class, or raw tensors; and what to score.

    .npz with x and y  |  DIR/class/picture.png  |  DIR/class/sound.wav  |  DIR/y_labels.csv and raw files

Whatever it is becomes the bytes that the firmware takes, by the model's own scales and zero points, and how is said in
the notes. Nothing is unpickled, and of a file that does not fit only the head is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf import foreign
from tinyperf.datasets import layout
from tinyperf.datasets.layout import Dataset, Sample
from tinyperf.datasets.own import arrays, files
from tinyperf.datasets.own.labels import autoencoder, classes_of, indices, names_of, wanted
from tinyperf.errors import DataError
from tinyperf.wire import input_bytes, printed, to_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.result import Metric
    from tinyperf.tflite import Model

    Array = npt.NDArray[Any]

HINT = (
    "--data takes an .npz with x and y, a folder with a folder of pictures or sounds for each class, or raw input "
    "tensors with a y_labels.csv"
)

ERRORS = ("mse", "mae")
UNNAMED: tuple[str, ...] = ("-",)
"""The one class of samples that have none."""


@dataclass(frozen=True)
class Asked:
    """`metric`: None is top1, or mse where y is no class. `labels`: a file of class names. `front_end`: of sounds.

    `scored`: an accuracy is asked for; for time alone labels may be absent, and mean nothing. `streams`: a sample may
    hold several inputs, the frames of one stream: a raw file one behind the other, an .npz as x [n, frames, ...].
    """

    metric: Metric | None = None
    labels: Path | None = None
    front_end: str | None = None
    scored: bool = True
    streams: bool = False


def load(path: Path, model: Model, asked: Asked, *, count: int | None = None) -> Dataset:
    """The samples in `path` for `model`; the first `count` of them are a subset.

    Raises: DataError: none of the forms, or it does not fit the model. ModelError: the metric has no meaning for it.
        MissingExtraError: no package for pictures or sounds.
    """
    more = None if count is None else count + 1  # one that is left out says that there are more
    if path.is_dir():
        raw = any((at / layout.LABELS).is_file() for at in (path / "custom", path))
        found = _raw(path, model, asked) if raw else _tree(path, model, asked, more)
        return _scored(found, model, asked).first(count)
    kind = foreign.regular(path, "data", DataError, hint=HINT).kind
    if kind is not foreign.NPZ:
        raise DataError(f"data {path} is {kind.what if kind else 'in no form that is known'}", hint=HINT)
    return _scored(_npz(path, model, asked, more), model, asked).first(count)


def _raw(path: Path, model: Model, asked: Asked) -> Dataset:
    metric = asked.metric or "top1"
    classes = classes_of(model, metric) if asked.scored else 0
    found = layout.load_custom(path, model, classes=classes or max(2, _values(model)), streams=asked.streams)
    names = names_of(asked.labels, (), classes, path) if asked.labels and classes else found.labels
    return replace(found, labels=names, metric=metric)


def _values(model: Model) -> int:
    return sum(tensor.elements for tensor in model.output_tensors)


def _npz(path: Path, model: Model, asked: Asked, count: int | None) -> Dataset:
    held = arrays.load(path, model, count, streams=asked.streams)
    metric: Metric = asked.metric or ("mse" if held.y is not None and held.y.dtype.kind == "f" else "top1")
    frames = [b"".join(parts) for parts in zip(*map(_row_bytes, held.inputs), strict=True)]
    rows = [b"".join(frames[at : at + held.frames]) for at in range(0, len(frames), held.frames)]
    stride = len(frames[0]) if held.frames > 1 else 0
    labels, names, targets = np.zeros(len(rows), np.int64), UNNAMED, None
    classes = classes_of(model, metric) if asked.scored else 0
    if classes:
        labels, names = indices(held.y, classes, path), names_of(asked.labels, held.names, classes, path)
    elif asked.scored and held.y is not None:
        targets = wanted(held.y, model, path)
    digits = len(str(len(rows)))
    samples = tuple(
        Sample(f"{path.stem}[{index:0{digits}}]", int(label), row, len(frames[0]), stride)
        for index, (row, label) in enumerate(zip(rows, labels, strict=True))
    )
    return Dataset("user", samples, path, names, metric, targets, held.notes)


def _row_bytes(column: Array) -> list[bytes]:
    return [row.astype(row.dtype.newbyteorder("<")).tobytes() for row in column]


def _tree(folder: Path, model: Model, asked: Asked, count: int | None) -> Dataset:
    found = files.tree(folder)
    if found is None:
        held = ", ".join(sorted(entry.name for entry in folder.iterdir())[:5]) or "nothing"
        raise DataError(
            f"data folder {folder} holds {held}: no {layout.LABELS}, and no folders with pictures or sounds", hint=HINT
        )
    if len(model.inputs) > 1:
        raise DataError(f"{model.name} has {len(model.inputs)} inputs, and a file is one", hint="give an .npz")
    metric = asked.metric or "top1"
    classes = classes_of(model, metric) if asked.scored else 0
    names, how_named = _classes(folder, found, asked, classes or len(found.classes))
    read, how = _reader(found, model, asked)
    size = input_bytes(model, None)
    samples = tuple(
        Sample(file.path.relative_to(folder).as_posix(), names.index(file.kind), read(file.path), size)
        for file in found.files[:count]
    )
    return Dataset("user", samples, folder, names, metric, notes=(how, *how_named))


def _reader(found: files.Tree, model: Model, asked: Asked) -> tuple[Callable[[Path], bytes], str]:
    return files.sounds(model.input, asked.front_end) if found.sounds else files.pictures(model.input)


def _classes(folder: Path, found: files.Tree, asked: Asked, classes: int) -> tuple[tuple[str, ...], Sequence[str]]:
    """Names of the classes in the order of the model's outputs, and what must be said of that order."""
    listed = asked.labels or (folder / "labels.txt" if (folder / "labels.txt").is_file() else None)
    hint = "--labels FILE names the classes in the order of the model's outputs, one a line"
    if listed is None:
        if len(found.classes) != classes:
            shown = ", ".join(found.classes[:5])
            raise DataError(
                f"{folder} has {len(found.classes)} folders ({shown}), the model {classes} classes", hint=hint
            )
        return found.classes, (f"classes in alphabetical order: {', '.join(found.classes)}",)
    names = names_of(listed, (), classes, folder)
    if unknown := sorted(set(found.classes) - set(names)):
        raise DataError(f"{folder}: {', '.join(unknown[:5])} is no class of {listed}", hint=hint)
    return names, ()


def _scored(found: Dataset, model: Model, asked: Asked) -> Dataset:
    """With the outputs that are wanted: of an autoencoder, its inputs; of a stream, the last frame's."""
    if not asked.scored or found.targets is not None:
        return found
    if found.metric != "top1" and autoencoder(model):
        rows = to_tensors(None, b"".join(sample.windows()[-1] for sample in found.samples), model)
        values = printed(replace(model, outputs=model.inputs), rows)
        notes = (*found.notes, "the wanted outputs are the inputs: the error is that of an autoencoder")
        return replace(found, targets=values, notes=notes)
    if found.metric in ERRORS:
        raise DataError(
            f"{found.folder} has no y, and the model's outputs are not of its inputs' shape",
            means=f"{found.metric} compares outputs with wanted ones",
            hint="numpy.savez('data.npz', x=inputs, y=wanted_outputs)",
        )
    return found
