"""Top-1 and AUC exactly as the run rules count them, from the values that the firmware prints.

Sources: the MLCommons runner (`runner/main.py`) for top-1 and AUC; EnergyRunner 3.0.10, recomputed from published
sessions, for the simplified AUC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.wire import three_decimals

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.result import Metric

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.integer]


def ad_error(codes: npt.NDArray[np.int8], windows: npt.NDArray[np.float32], scale: float, zero_point: int) -> Floats:
    """Reconstruction error of the anomaly detector: mean squared difference from the float input, three decimals.

    float32 throughout and summed in index order, as the firmware does (mlcommons/tiny, anomaly_detection).

    Args: codes: int8 [n, 640], the output tensor. windows: float32 [n, 640], the input before quantization.
    Returns: float64 [n].
    """
    total = np.zeros(len(codes), np.float32)
    for column in range(codes.shape[1]):
        real = (codes[:, column].astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
        difference = real - windows[:, column]
        total += difference * difference
    return three_decimals(total / np.float32(codes.shape[1]))


def normalized(outputs: Floats) -> Floats:
    """Rows divided by their sum; a row whose sum is not positive stays as it is."""
    sums = outputs.sum(axis=1, keepdims=True)
    divided: Floats = outputs / np.where(sums > 0, sums, 1.0)
    return divided


def decisions(outputs: Floats) -> npt.NDArray[np.int64]:
    """The class of each row of [n, classes]: the first maximum wins a tie."""
    chosen: npt.NDArray[np.int64] = np.argmax(normalized(outputs), axis=1)
    return chosen


def top1(outputs: Floats, labels: Integers) -> float:
    """Fraction of rows of `outputs` (float64 [n, classes]) whose first maximum is the label; n >= 1."""
    return float(np.mean(decisions(outputs) == labels))


def score(metric: Metric, outputs: Floats, labels: Integers, targets: Floats | None = None) -> float | None:
    """The figure of a metric.

    Args:
        outputs: float64 [n, values], as printed.
        labels: [n], class indices; of top1 and auc.
        targets: float64 [n, values], the wanted outputs; of mse and mae, and of an auc of reconstruction errors.
    Returns: mean over samples and values for mse and mae; None where there is no such figure.
    """
    if metric == "top1":
        return top1(two_classes(outputs), labels)
    if metric == "auc":
        return auc(outputs if targets is None else errors("mse", outputs, targets), labels)
    if targets is None:
        return None
    return float(np.mean(errors(metric, outputs, targets)))


def two_classes(outputs: Floats) -> Floats:
    """One output is the probability of class 1, [n, 1] -> [n, 2]; more are as they are."""
    return np.hstack([1.0 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def errors(metric: Metric, outputs: Floats, targets: Floats) -> Floats:
    """[n]: mean squared (mse) or mean absolute (mae) difference of each row of [n, values]."""
    difference = outputs - targets
    rows: Floats = np.mean(difference * difference if metric == "mse" else np.abs(difference), axis=1)
    return rows


def auc(scores: Floats, labels: Integers) -> float | None:
    """Area under the ROC curve, ties counting one half, as scikit-learn's `roc_auc_score` has it (a test says so).

    Args:
        scores: [n] or [n, 1]: one score, higher means class 1. [n, 2]: column 1. [n, classes]: rows normalized,
            mean over the classes of one against the rest.
        labels: [n], class indices.
    Returns: 0..1, or None where the labels hold one class only, or a score is no number; classes that do not
        occur are left out of the mean.
    """
    if not np.isfinite(scores).all():
        return None
    areas = [
        area(*roc(column, positive)[:2])
        for positive, column in _one_against_rest(scores, labels)
        if positive.any() and not positive.all()
    ]
    return float(np.mean(areas)) if areas else None


def area(fpr: Floats, tpr: Floats) -> float:
    """Area under the points of a ROC curve."""
    return float(np.sum((tpr[1:] + tpr[:-1]) / 2 * np.diff(fpr)))


def eembc_auc(scores: Floats, labels: Integers) -> float | None:
    """The "simplified" AUC that EnergyRunner prints; for replaying published sessions, not for targets.

    101 thresholds from 0 to 1 (one score: from the least to the greatest), strictly greater counts as positive, the
    first point is forced to (1, 1), trapezoids, mean over all classes. Arguments as for `auc`, but two classes are
    two columns like any other number.
    """
    columns = scores if scores.ndim == 2 else scores[:, None]
    single = columns.shape[1] == 1
    low, high = (columns.min(), columns.max()) if single else (0.0, 1.0)
    thresholds = np.linspace(low, high, 101)
    areas = []
    for index in range(columns.shape[1]):
        positive = labels == (1 if single else index)
        if not positive.any() or positive.all():
            continue
        above = columns[:, index][None, :] > thresholds[:, None]
        tpr, fpr = above[:, positive].mean(axis=1), above[:, ~positive].mean(axis=1)
        tpr[0] = fpr[0] = 1.0
        areas.append(float(np.sum((tpr[:-1] + tpr[1:]) / 2 * (fpr[:-1] - fpr[1:]))))
    return float(np.mean(areas)) if areas else None


def roc(scores: Floats, positive: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Points of the ROC curve: false positive rate, true positive rate and threshold, from (0, 0) to (1, 1).

    One point per distinct score, a score at or above the threshold counts as positive; both classes must occur.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    tpr = np.cumsum(positive[order])[last] / np.count_nonzero(positive)
    fpr = np.cumsum(~positive[order])[last] / np.count_nonzero(~positive)
    return np.append(0.0, fpr), np.append(0.0, tpr), np.append(np.inf, ranked[last])


def confusion(chosen: Integers, labels: Integers, classes: int) -> npt.NDArray[np.int64]:
    """Counts [label, decision]."""
    counts: npt.NDArray[np.int64] = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, chosen), 1)
    return counts


def _one_against_rest(scores: Floats, labels: Integers) -> list[tuple[npt.NDArray[np.bool_], Floats]]:
    if scores.ndim == 1 or scores.shape[1] == 1:
        return [(labels == 1, scores.reshape(len(labels)))]
    if scores.shape[1] == 2:
        return [(labels == 1, scores[:, 1])]
    rows = normalized(scores)
    return [(labels == index, rows[:, index]) for index in range(scores.shape[1])]
