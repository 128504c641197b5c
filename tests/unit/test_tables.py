"""Functions of one code: operators with constants, chains of them, clamps; every code of every channel, to the bit."""

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
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.passes import stages

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.engines.aot.graph import Graph

HOST = Target(cores.load("host"))
CHANNELS = 4
CODES = np.broadcast_to(np.arange(-128, 128, dtype=np.int8)[:, None], (256, CHANNELS))
SAMPLES = CODES.reshape(1, 1, 16, 16, CHANNELS)
IMAGE = (1, 16, 16, CHANNELS)


def value(scale: float = 0.05, zero: int = 3) -> T:
    return T(IMAGE, scale, zero)


def constant(*codes: int, scale: float = 0.02, zero: int = -7) -> T:
    return T((len(codes),), scale, zero, np.array(codes, np.int8))


def convolution() -> list[T]:
    weights = np.random.default_rng(0).integers(-127, 128, (CHANNELS, 1, 1, CHANNELS)).astype(np.int8)
    return [value(), graphs.constant(weights, 0.004), value(0.06, -5), value(0.06, -5)]


WINDOW = {"padding": 0, "strideH": 1, "strideW": 1}
# Tensors, operators, and the works that are left of them.
CASES: dict[str, tuple[list[T], list[O], list[str]]] = {
    "unfolded batch norm": (
        [value(), constant(3, -90, 127, 0), value(0.04, 1), constant(5, 60, -128, 9), value(0.03, -60)],
        [O("MUL", [0, 1], [2]), O("ADD", [2, 3], [4], {"fusedActivationFunction": 1})],
        ["ChannelLookup"],
    ),
    "a number for all channels": (
        [value(), constant(55), value(0.04, 1)],
        [O("MUL", [0, 1], [2])],
        ["Lookup"],
    ),
    "a constant minus a value": (
        [value(), constant(120), value(0.04, 1)],
        [O("SUB", [1, 0], [2])],
        ["Lookup"],
    ),
    "equal numbers": (
        [value(), constant(9, 9, 9, 9), value(0.04, 1)],
        [O("ADD", [0, 1], [2])],
        ["Lookup"],
    ),
    "slopes": (
        [value(), constant(3, -90, 127, 0), value(0.04, 1)],
        [O("PRELU", [0, 1], [2])],
        ["ChannelLookup"],
    ),
    "a chain": (
        [value(), value(0.04, -128), value(0.07, 5), value(1 / 256, -128)],
        [O("RELU", [0], [1]), O("QUANTIZE", [1], [2]), O("LOGISTIC", [2], [3])],
        ["Lookup"],
    ),
    "a chain of both kinds": (
        [value(), value(1 / 128, 0), constant(3, -90, 127, 0), value(0.01, 1)],
        [O("TANH", [0], [1]), O("MUL", [1, 2], [3])],
        ["ChannelLookup"],
    ),
    "no change of scale": (
        [value(), value(), value(0.07, 5)],
        [O("QUANTIZE", [0], [1]), O("QUANTIZE", [1], [2])],
        ["Lookup"],
    ),
    "nothing but a name": ([value(), value()], [O("QUANTIZE", [0], [1])], ["Alias"]),
    "read twice": (
        [value(), value(0.04, 1), value(1 / 128, 0), value(0.05, 2)],
        [O("QUANTIZE", [0], [1]), O("TANH", [1], [2]), O("ADD", [1, 2], [3])],
        ["Lookup", "Lookup", "Add"],
    ),
    "a clamp alone": ([value(), value()], [O("RELU6", [0], [1])], ["Clamp"]),
    "a clamp by a constant beside it": (  # hard swish has it: relu6(x + 3) times 1/6, by scales alone
        [*convolution()[:3], constant(93, scale=0.01), value(0.06, -5)],
        [O("CONV_2D", [0, 1], [2], WINDOW), O("MUL", [2, 3], [4], {"fusedActivationFunction": 1})],
        ["Conv", "Alias"],
    ),
    "a clamp of a sum": (convolution(), [O("CONV_2D", [0, 1], [2], WINDOW), O("RELU6", [2], [3])], ["Conv", "Alias"]),
}


def file(case: str) -> bytes:
    tensors, ops, _ = CASES[case]
    return graphs.build(tensors, ops, [0], [len(tensors) - 1])


def after_tables(case: str) -> Graph:
    return dict(stages(tflite.parse(file(case), case), HOST))["tables"]


@pytest.mark.parametrize("case", CASES)
def test_what_is_left_equals_the_wheel(case: str) -> None:
    graph = after_tables(case)
    (made,) = interpret(graph, SAMPLES)
    np.testing.assert_array_equal(made.reshape(1, -1), graphs.wheel(file(case), SAMPLES))
    assert [type(node.work).__name__ for node in graph.nodes] == CASES[case][2]


@pytest.mark.slow
def test_the_c_of_what_is_left_equals_the_wheel(tmp_path: Path) -> None:
    files = [file(case) for case in CASES]
    library = Library(files, tmp_path)
    for index, data in enumerate(files):
        (made,) = library.run(index, SAMPLES)
        np.testing.assert_array_equal(made, graphs.wheel(data, SAMPLES))


def test_a_clamp_joins_its_producer() -> None:
    work = after_tables("a clamp of a sum").nodes[0].work
    assert isinstance(work, Conv)
    assert work.clamp == (-5, 95)


@pytest.mark.parametrize(("size", "left"), [(3, ["Mul", "Add"]), (16, ["ChannelLookup"])])
def test_a_table_must_be_worth_its_flash(size: int, left: list[str]) -> None:
    """1,024 bytes for 36 elements are not."""
    tensors, ops, _ = CASES["unfolded batch norm"]
    sized = [t if t.data is not None else T((1, size, size, CHANNELS), t.scale, t.zero) for t in tensors]
    graph = dict(stages(tflite.parse(graphs.build(sized, ops, [0], [4]), "sized"), HOST))["tables"]
    assert [type(node.work).__name__ for node in graph.nodes] == left
