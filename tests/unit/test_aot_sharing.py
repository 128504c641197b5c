"""Layers with equal weights, as the steps of an unrolled recurrent layer, have them once in flash."""

from __future__ import annotations

import re

import numpy as np

from tests import graphs
from tests.graphs import O, T, constant
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel


def steps(count: int) -> bytes:
    """So many matrix products with the same weights, one after another."""
    rng = np.random.default_rng(0)
    weights = constant(rng.integers(-127, 128, (8, 8), np.int8), 0.003)
    bias = constant(rng.integers(-900, 900, 8, np.int32), 0.003 * 0.05)
    tensors = [*(T((1, 8), 0.05, -3) for _ in range(count + 1)), weights, bias]
    ops = [O("FULLY_CONNECTED", [i, count + 1, count + 2], [i + 1]) for i in range(count)]
    return graphs.build(tensors, ops, [0], [count])


def test_equal_weights_are_in_flash_once_and_count_once() -> None:
    target = Target(cores.load("cortex-m4"))
    one, three = (ENGINE.generate(tflite.parse(steps(n), "steps"), target, {}) for n in (1, 3))
    assert three.weights_bytes == one.weights_bytes
    assert [layer.weights_bytes for layer in three.layers] == [one.weights_bytes, 0, 0]
    assert len(re.findall(r"_weights\[\d", three.sources["model_weights.h"])) == 1
    assert len(re.findall(r"\blayer_00_weights\b", three.sources["model.c"])) == 3


def test_layers_that_share_equal_the_wheel() -> None:
    data = steps(3)
    samples = np.random.default_rng(1).integers(-128, 128, (4, 1, 8), np.int8)
    with HostModel(tflite.parse(data, "steps")) as host:
        np.testing.assert_array_equal(host.run(samples)[0].reshape(4, -1), graphs.wheel(data, samples))
