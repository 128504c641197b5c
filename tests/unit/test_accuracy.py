from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tests.data import find
from tinyperf.rules import accuracy


@pytest.mark.parametrize(
    ("row", "label", "right"),
    [
        pytest.param([0.1, 0.8, 0.1], 1, 1.0, id="the maximum decides"),
        pytest.param([0.4, 0.4, 0.2], 0, 1.0, id="the first maximum wins a tie"),
        pytest.param([0.4, 0.4, 0.2], 1, 0.0, id="the second maximum loses a tie"),
        pytest.param([0.0, 0.0, 0.0], 0, 1.0, id="an all-zero row is class 0, not a division by zero"),
        pytest.param([-3.0, -1.0, -2.0], 1, 1.0, id="a negative sum does not turn the order round"),
    ],
)
def test_top1(row: list[float], label: int, right: float) -> None:
    assert accuracy.top1(np.array([row]), np.array([label])) == right


def test_auc_counts_ties_one_half() -> None:
    scores, labels = np.array([0.1, 0.5, 0.5, 0.9]), np.array([0, 0, 1, 1])
    assert accuracy.auc(scores, labels) == 0.875
    assert accuracy.auc(np.stack([1 - scores, scores], axis=1), labels) == 0.875


def test_auc_of_many_classes_is_the_mean_of_one_against_the_rest() -> None:
    scores = np.array([[0.75, 0.125, 0.125], [0.25, 0.625, 0.125], [0.25, 0.5, 0.25], [0.5, 0.125, 0.375]])
    assert accuracy.auc(scores, np.array([0, 1, 2, 2])) == pytest.approx(1.0)
    assert accuracy.auc(scores, np.array([0, 2, 1, 1])) == pytest.approx((3 / 3 + 1.5 / 4 + 0.5 / 3) / 3)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.001, 0.25, 0.5, 0.996, 11.772]) | st.floats(0, 1), st.booleans())))
def test_auc_is_scikit_learns(pairs: list[tuple[float, bool]]) -> None:
    scores, labels = np.array([p[0] for p in pairs]), np.array([int(p[1]) for p in pairs])
    found = accuracy.auc(scores, labels)
    assert (found is None) == (len(set(labels)) < 2)
    if found is not None:
        assert found == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.slow
@given(st.lists(st.tuples(st.lists(st.integers(0, 256), min_size=4, max_size=4), st.integers(0, 3)), min_size=8))
def test_auc_of_many_classes_is_scikit_learns(rows: list[tuple[list[int], int]]) -> None:
    outputs = np.array([r[0] for r in rows], np.float64) / 256 + 0.001
    labels = np.array([*(r[1] for r in rows[:-4]), 0, 1, 2, 3])
    expected = roc_auc_score(labels, accuracy.normalized(outputs), multi_class="ovr", labels=[0, 1, 2, 3])
    assert accuracy.auc(outputs, labels) == pytest.approx(expected, abs=1e-12)


def test_auc_of_one_class_is_not_guessed() -> None:
    assert accuracy.auc(np.array([0.1, 0.2]), np.array([0, 0])) is None
    assert accuracy.eembc_auc(np.array([0.1, 0.2]), np.array([1, 1])) is None
    assert accuracy.auc(np.array([0.1, np.nan]), np.array([0, 1])) is None


def test_ad_error_compares_with_the_float_input_in_index_order() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(-128, 128, (3, 640)).astype(np.int8)
    windows = rng.normal(-40, 10, (3, 640)).astype(np.float32)
    expected = []
    for row, window in zip(codes, windows, strict=True):
        total = np.float32(0)
        for code, real in zip(row, window, strict=True):
            difference = np.float32(np.float32(int(code) - 96) * np.float32(0.3644985)) - real
            total = np.float32(total + np.float32(difference * difference))
        expected.append(float(f"{total / np.float32(640):.3f}"))
    assert accuracy.ad_error(codes, windows, 0.3644985, 96).tolist() == expected


def test_roc_starts_and_ends_in_the_corners_and_has_the_area_of_auc() -> None:
    scores, labels = np.array([0.1, 0.5, 0.5, 0.9, 0.3]), np.array([0, 0, 1, 1, 1])
    fpr, tpr, thresholds = accuracy.roc(scores, labels == 1)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert thresholds.tolist() == [np.inf, 0.9, 0.5, 0.3, 0.1]
    area = np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2)  # numpy 1.26 has no trapezoid
    assert area == pytest.approx(accuracy.auc(scores, labels))


def test_confusion_counts_label_by_decision() -> None:
    assert accuracy.confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist() == [[1, 1], [0, 1]]


def test_a_published_session_recomputes_to_its_printed_scores() -> None:
    """krai v1.1, NUCLEO-L4R5ZI with X-CUBE-AI: EnergyRunner printed Top-1 90.2% and AUC 0.99."""
    folder = find("sessions/krai_v1.1/kws/accuracy")
    log = (folder / "log.txt").read_text()
    labels = np.array([int(n) for n in re.findall(r'Command "bload dut ".*_(\d+)\.bin""', log)])
    printed = re.findall(r"dut: m-results-\[([^]]+)\]", log)
    outputs = np.array([[float(v) for v in row.split(",")] for row in printed])
    assert outputs.shape == (1000, 12)
    assert accuracy.top1(outputs, labels) == 0.902
    assert accuracy.eembc_auc(outputs, labels) == pytest.approx(0.9927, abs=5e-5)
    assert accuracy.auc(outputs, labels) == pytest.approx(0.995, abs=5e-3)
    results = (folder / "results.txt").read_text()
    assert f"Top-1: {accuracy.top1(outputs, labels):.1%}" in results
    assert f"AUC: {accuracy.eembc_auc(outputs, labels):.2f}" in results
