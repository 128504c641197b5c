"""What only cuts or turns: no code where the elements stand one behind the other, else a copy; to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs
from tests.graphs import O, T
from tests.portable import Library
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from pathlib import Path

HOST = Target(cores.load("host"))
SHAPE = (1, 6, 2, 4)
SAMPLES = np.random.default_rng(3).integers(-128, 128, (4, *SHAPE), dtype=np.int8)


def numbers(*values: int) -> T:
    return graphs.constant(np.array(values, np.int32))


# Shape made, operator, its constants and options; the kernel that is left of it, "" where none.
CASES: dict[str, tuple[tuple[int, ...], str, list[T], dict[str, int], str]] = {
    "rows": ((1, 3, 2, 4), "SLICE", [numbers(0, 2, 0, 0), numbers(1, 3, 2, 4)], {}, ""),
    "all rows": (SHAPE, "SLICE", [numbers(0, 0, 0, 0), numbers(1, 6, 2, 4)], {}, ""),
    "columns": ((1, 6, 1, 4), "SLICE", [numbers(0, 0, 1, 0), numbers(1, 6, 1, 4)], {}, "strided"),
    "no whole word": ((1, 1, 1, 2), "SLICE", [numbers(0, 1, 1, 1), numbers(1, 1, 1, 2)], {}, "part"),
    "last rows": (
        (1, 2, 2, 4),
        "STRIDED_SLICE",
        [numbers(0, 4, 0, 0), numbers(1, 6, 2, 4), numbers(1, 1, 1, 1)],
        {},
        "",
    ),
    "a turn of ones": ((6, 1, 2, 4), "TRANSPOSE", [numbers(1, 0, 2, 3)], {}, ""),
    "a turn": ((1, 2, 6, 4), "TRANSPOSE", [numbers(0, 2, 1, 3)], {}, "strided"),
}


def file(case: str) -> bytes:
    """Between two operators that compute."""
    shape, kind, constants, options, _ = CASES[case]
    tensors = [T(SHAPE, 0.05, 3), T(SHAPE, 1 / 128, 0), T(shape, 1 / 128, 0), T(shape, 1 / 256, -128), *constants]
    cut = O(kind, [1, *range(4, len(tensors))], [2], options)
    return graphs.build(tensors, [O("TANH", [0], [1]), cut, O("LOGISTIC", [2], [3])], [0], [3])


@pytest.mark.parametrize("case", CASES)
def test_what_is_cut_equals_the_wheel(case: str) -> None:
    graph = compiled(tflite.parse(file(case), case), HOST)
    (made,) = interpret(graph, SAMPLES)
    np.testing.assert_array_equal(made.reshape(len(SAMPLES), -1), graphs.wheel(file(case), SAMPLES))
    kernels = [node.form.kernel for node in graph.nodes[1:-1] if node.form and node.form.kernel]
    assert kernels == ([kernel] if (kernel := CASES[case][-1]) else [])
    place(graph)


@pytest.mark.slow
def test_the_c_of_what_is_cut_equals_the_wheel(tmp_path: Path) -> None:
    files = [file(case) for case in CASES]
    library = Library(files, tmp_path)
    for index, data in enumerate(files):
        (made,) = library.run(index, SAMPLES)
        np.testing.assert_array_equal(made, graphs.wheel(data, SAMPLES))


PAIRS = ("ADD", "SUB", "MUL", "MAXIMUM", "PRELU", "SQUARED_DIFFERENCE")


def pair(kind: str) -> bytes:
    """A value with one that repeats along its last dimension, which no table can be."""
    repeated = T((1, 1, 2, 1), 1 / 128, 0, np.array([100, -77], np.int8).reshape(1, 1, 2, 1))
    tensors = [T(SHAPE, 0.05, 3), T(SHAPE, 1 / 128, 0), repeated, T(SHAPE, 1 / 128, 0), T(SHAPE, 1 / 256, -128)]
    ops = [O("TANH", [0], [1]), O(kind, [1, 2], [3]), O("LOGISTIC", [3], [4])]
    return graphs.build(tensors, ops, [0], [4])


@pytest.mark.slow
def test_a_pair_is_made_over_the_input_that_does_not_repeat(tmp_path: Path) -> None:
    files = [pair(kind) for kind in PAIRS]
    library = Library(files, tmp_path)
    for index, data in enumerate(files):
        plan = place(compiled(tflite.parse(data, PAIRS[index]), HOST))
        assert plan.values[1] == plan.values[3]
        (made,) = library.run(index, SAMPLES)
        np.testing.assert_array_equal(made, graphs.wheel(data, SAMPLES))
