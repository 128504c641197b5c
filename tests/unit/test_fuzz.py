"""The fuzz targets hold on their seeds and on what once failed; `scripts/fuzz` runs them for as long as it is told."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests import graphs
from tests.fuzz.__main__ import mutated
from tests.fuzz.targets import TARGETS
from tests.graphs import O, T, constant


def blocks_of_a_flat_output() -> bytes:
    """BATCH_TO_SPACE_ND whose output has two dimensions, its input four."""
    ints = [constant(np.array(values, np.int32)) for values in ([2, 2], [[0, 0], [0, 0]])]
    tensors = [T((4, 1, 1, 2), 0.1), *ints, T((1, 8), 0.1)]
    return graphs.build(tensors, [O("BATCH_TO_SPACE_ND", [0, 1, 2], [3])], [0], [3])


def weighted_without_weights(kind: str) -> bytes:
    return graphs.build([T((1, 4, 4, 2), 0.1), T((1, 4, 4, 2), 0.1)], [O(kind, [0], [1])], [0], [1])


WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM")
SLOW = {"submission", "session"}  # a second each: they read whole folders
FAILED = {
    "model_bytes": [
        blocks_of_a_flat_output(),  # an IndexError in the rule that was to refuse it
        *map(weighted_without_weights, WEIGHTED),  # likewise where the refusal looks whether TFLM would run it
    ],
    "lpm01a": [
        # a line longer than any, whose front alone is a sample: it counted as one where it came in pieces
        b"\x09TimeStamp: 001s 000ms, buff 00%\r\n6409-07" + bytes(1900) + b"x\r\n6410-07\r\n",
        b"\x09" + b" " * 600 + b"abc\r\n6410-07\r\n",
    ],
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in TARGETS]
)
def test_a_target_holds(name: str) -> None:
    target, seeds = TARGETS[name]
    known, draw = seeds(), random.Random(0)
    few = [mutated(known, draw) for _ in range(2 if name in SLOW else 6)]
    for given in (*known[: 1 if name in SLOW else 4], *few, *FAILED.get(name, [])):
        target(given)
