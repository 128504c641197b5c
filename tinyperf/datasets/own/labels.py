"""What is wanted of a model: classes with names, or the outputs themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.datasets import layout
from tinyperf.errors import DataError, ModelError
from tinyperf.wire import real_range

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.result import Metric
    from tinyperf.tflite import Model

    Array = npt.NDArray[Any]

PROBABILITY = (-0.01, 1.01)
"""Range of an output that may be taken for a probability: one code more than 0 to 1."""


def autoencoder(model: Model) -> bool:
    """The outputs are of the inputs' shape: what mse, mae and auc score is how well they are reconstructed.

    Two values are two classes.
    """
    alike = [t.shape for t in model.input_tensors] == [t.shape for t in model.output_tensors]
    return alike and model.input.elements > 2


def classes_of(model: Model, metric: Metric) -> int:
    """How many classes labels may name; 0 where the metric has none.

    Raises: ModelError: the metric has no meaning for these outputs.
    """
    if metric in {"mse", "mae"}:
        return 0
    if len(model.outputs) > 1:
        raise ModelError(
            f"{model.name} has {len(model.outputs)} output tensors",
            means=f"{metric} takes the classes from one tensor",
            hint="performance and energy take such a model; export one with the classes alone for an accuracy",
        )
    output = model.output
    if metric == "auc" and autoencoder(model):
        return 2
    if output.elements > 1:
        return output.elements
    low, high = real_range(output)
    if metric == "top1" and not (PROBABILITY[0] <= low and high <= PROBABILITY[1]):
        raise ModelError(
            f"{model.name} has one output, from {low:.4g} to {high:.4g}",
            means="top-1 of one output takes it for the probability of class 1, and this is none",
            hint="--metric auc needs no threshold; --metric mse or mae scores a regression",
        )
    return 2


def indices(y: Array | None, classes: int, path: Path) -> npt.NDArray[np.int64]:
    """Labels as int64 [n]: whole numbers from 0, or one-hot rows [n, classes].

    Raises: DataError: none, or they do not fit the model.
    """
    hint = "numpy.savez('data.npz', x=inputs, y=labels), a label from 0 for each input; --metric mse or mae for others"
    if y is None:
        raise DataError(f"{path} has no array y", means="an accuracy needs a label for each input", hint=hint)
    rows = y.reshape(len(y), -1)
    if rows.shape[1] == classes and classes > 1 and rows.dtype.kind in "biuf" and _one_hot(rows):
        hot: npt.NDArray[np.int64] = np.argmax(rows, axis=1)
        return hot
    whole = y.dtype.kind in "biu" or (y.dtype.kind == "f" and bool((y == np.rint(y)).all()))
    if rows.shape[1] != 1 or not whole:
        raise DataError(
            f"{path}: y is {list(y.shape)} {y.dtype}", means="labels are whole numbers [n], or one-hot rows", hint=hint
        )
    labels: npt.NDArray[np.int64] = rows[:, 0].astype(np.int64)
    if labels.min() < 0 or labels.max() >= classes:
        start = "; do they count from 1?" if labels.min() == 1 and labels.max() == classes else ""
        raise DataError(
            f"{path}: labels from {labels.min()} to {labels.max()}, the model has {classes} classes",
            means=f"a label says which output should be the largest, from 0{start}",
            hint="y - 1 counts from 0" if start else hint,
        )
    return labels


def _one_hot(rows: Array) -> bool:
    return bool(((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all())


def wanted(y: Array, model: Model, path: Path) -> npt.NDArray[np.float64]:
    """The outputs that are wanted, real values float64 [n, values of all outputs].

    Raises: DataError: another number of them than the model gives.
    """
    outputs = sum(tensor.elements for tensor in model.output_tensors)
    rows = y.reshape(len(y), -1)
    if y.dtype.kind not in "biuf" or rows.shape[1] != outputs or not np.isfinite(rows).all():
        raise DataError(
            f"{path}: y is {list(y.shape)} {y.dtype}, the model gives {outputs} values",
            means="y holds the wanted outputs, finite real values, a row for each input",
            hint="labels of classes are scored with --metric top1 or auc",
        )
    return rows.astype(np.float64)


def names_of(file: Path | None, given: tuple[str, ...], classes: int, where: Path) -> tuple[str, ...]:
    """Of the classes: from a file, one a line; else as the data give them; else their numbers.

    Raises: DataError: not as many as there are classes, or one twice.
    """
    if file:
        return layout.class_names(file, classes)
    if not given:
        return tuple(map(str, range(classes)))
    if len(given) != classes or len({*given}) < classes:
        raise DataError(
            f"array 'labels' of {where} names {len(given)} classes, the model has {classes}",
            hint="one name each, in order, each another",
        )
    return given
