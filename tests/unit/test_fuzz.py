"""The fuzz targets hold on their seeds and on what once failed; `scripts/fuzz` runs them for as long as it is told."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.__main__ import mutated
from tests.fuzz.targets import TARGETS

SLOW = {"submission", "session"}  # a second each: they read whole folders
FAILED = {
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
