"""What a plan spends where flash counts most, or where the chip has little of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs, m4
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.passes import compiled, compiled_for
from tinyperf.engines.aot.passes._flash import flash_bytes
from tinyperf.engines.aot.passes.emit import weights_bytes
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.engines import Optimize
    from tinyperf.engines.aot.graph import Graph

M4 = cores.load("cortex-m4")
RAW_BYTES = 9 * 32 * 32 + 32 * 64
"""Weights of the model as its file has them."""


def network() -> bytes:
    """int8 [1, 16, 16, 32] -> 3x3 -> 1x1, wide enough for the kernels that arrange their weights."""
    draw = np.random.default_rng(5)
    scales = [2.0**-10] * 64
    options = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    tensors = [
        graphs.T((1, 16, 16, 32), 1.0, -128),
        graphs.constant(draw.integers(-127, 128, (32, 3, 3, 32)).astype(np.int8), scales[:32], axis=0),
        graphs.constant(draw.integers(-3000, 3000, 32).astype(np.int32), scales[:32]),
        graphs.T((1, 16, 16, 32), 1.0, -128),
        graphs.constant(draw.integers(-127, 128, (64, 1, 1, 32)).astype(np.int8), scales, axis=0),
        graphs.constant(draw.integers(-3000, 3000, 64).astype(np.int32), scales),
        graphs.T((1, 16, 16, 64), 1.0, -128),
    ]
    ops = [graphs.O("CONV_2D", [0, 1, 2], [3], options), graphs.O("CONV_2D", [3, 4, 5], [6], options)]
    return graphs.build(tensors, ops, [0], [6])


MODEL = tflite.parse(network(), "network")


def constants_bytes(graph: Graph) -> int:
    return weights_bytes(graph, place(graph))


def cycles(graph: Graph) -> float:
    return sum(node.form.cycles for node in graph.nodes if node.form)


def test_flash_takes_the_weights_as_the_file_has_them() -> None:
    by = {way: compiled(MODEL, Target(M4, way)) for way in ("time", "balanced", "flash")}
    assert constants_bytes(by["flash"]) < RAW_BYTES + 96 * 16 + 64
    assert constants_bytes(by["time"]) > 2 * RAW_BYTES
    assert cycles(by["time"]) < cycles(by["flash"])


@pytest.mark.parametrize("way", ["time", "balanced", "ram"])
def test_a_plan_falls_back_until_it_fits(way: Optimize) -> None:
    least = flash_bytes(compiled(MODEL, Target(M4, "flash")))
    most = flash_bytes(compiled(MODEL, Target(M4, way)))
    rooms = [None, most - 1, least + 200, 0]
    plans = [compiled(MODEL, Target(M4, way, room)) for room in rooms]
    for room, plan in zip(rooms[1:-1], plans[1:-1], strict=True):
        assert room is not None
        assert flash_bytes(plan) <= room
    for one, other in pairwise(plans):
        assert constants_bytes(other) <= constants_bytes(one)
    assert constants_bytes(plans[0]) > constants_bytes(plans[1])


def test_chips_of_one_core_are_planned_each_for_its_flash() -> None:
    targets = [Target(M4, "time", room) for room in (None, 1 << 20, 40_000, 1 << 19, 20_000)]
    together = [constants_bytes(graph) for graph in compiled_for(MODEL, targets)]
    assert together == [constants_bytes(compiled(MODEL, target)) for target in targets]
    assert together[0] == together[1] == together[3] > together[2]


@pytest.mark.slow
def test_the_smallest_plan_equals_the_wheel(tmp_path: Path) -> None:
    machine = m4.Machine(m4.build(ENGINE.generate(MODEL, Target(M4), {"optimize": "flash"}), tmp_path), MODEL)
    draw = np.random.default_rng(1)
    samples = [[draw.integers(-128, 128, (1, 16, 16, 32), np.int8)] for _ in range(2)]
    for sample, rows in zip(samples, graphs.wheel_all(network(), samples, outputs=1), strict=True):
        machine.infer(*sample)
        np.testing.assert_array_equal(machine.output(0), rows[0].ravel())
