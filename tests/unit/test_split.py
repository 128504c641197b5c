"""SPLIT and SPLIT_V: every part, not the last one alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs, m4
from tests.graphs import O, T, constant
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel

if TYPE_CHECKING:
    from pathlib import Path

M4 = Target(cores.load("cortex-m4"))


def shuffled(kind: str, axis: int, sizes: list[int]) -> bytes:
    """Parts in another order, the first one twice, and one that nobody reads."""
    shape = [1, 6, 6, 6]

    def part(size: int) -> T:
        return T((*shape[:axis], size, *shape[axis + 1 :]), 0.1, 3)

    order = [4, 3, 4] if len(sizes) == 2 else [5, 3, 3]
    made = sum(sizes[i - 3] for i in order)
    where, lengths = constant(np.array(axis, np.int32)), constant(np.array(sizes, np.int32))
    tensors = [part(6), where, lengths, *(part(size) for size in sizes), part(made)]
    inputs = [1, 0] if kind == "SPLIT" else [0, 2, 1]
    parts = list(range(3, 3 + len(sizes)))
    ops = [
        O(kind, inputs, parts, {"num_splits": len(sizes)}),
        O("CONCATENATION", order, [len(tensors) - 1], {"axis": axis}),
    ]
    return graphs.build(tensors, ops, [0], [len(tensors) - 1])


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize(
    ("kind", "sizes"), [("SPLIT", [3, 3]), ("SPLIT", [2, 2, 2]), ("SPLIT_V", [1, 5]), ("SPLIT_V", [1, 2, 3])]
)
def test_every_part_equals_the_wheel(kind: str, axis: int, sizes: list[int], tmp_path: Path) -> None:
    data = shuffled(kind, axis, sizes)
    model = tflite.parse(data, "shuffled")
    samples = np.random.default_rng(0).integers(-128, 128, (4, 1, 6, 6, 6), np.int8)
    expected = graphs.wheel(data, samples)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples)[0], expected)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    np.testing.assert_array_equal(np.stack([machine.infer(sample) for sample in samples]), expected)


@pytest.mark.parametrize(
    ("axis", "sizes", "kernel"),
    [
        pytest.param(1, [1, 5], "none", id="parts of whole words are read where they are"),
        pytest.param(2, [1, 5], "split", id="parts in many rows are copied"),
    ],
)
def test_parts_are_read_in_the_whole(axis: int, sizes: list[int], kernel: str) -> None:
    made = ENGINE.generate(tflite.parse(shuffled("SPLIT_V", axis, sizes), "shuffled"), M4, {})
    assert made.layers[0].kernel == kernel
