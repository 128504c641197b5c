"""SOFTMAX over long rows: the wheel's outputs where it gives any, and 0 where it stops the program."""

from __future__ import annotations

import numpy as np
import pytest

from tests import graphs
from tests.graphs import O, T
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel

HOST = Target(cores.load("host"))


def softmax(depth: int, scale: float) -> bytes:
    tensors = [T((1, depth), scale, 3), T((1, depth), 1 / 256, -128)]
    return graphs.build(tensors, [O("SOFTMAX", [0], [1], {"beta": 1.0})], [0], [1])


@pytest.mark.parametrize(("depth", "scale"), [(600, 0.1), (1000, 0.03), (1001, 1.0), (4095, 0.3)])
def test_random_rows_equal_the_wheel(depth: int, scale: float) -> None:
    samples = np.random.default_rng(depth).integers(-128, 128, (4, 1, depth), np.int8)
    with HostModel(tflite.parse(softmax(depth, scale), "long")) as host:
        np.testing.assert_array_equal(host.run(samples)[0], graphs.wheel(softmax(depth, scale), samples))


def test_no_probability_of_equal_logits_is_half_a_code() -> None:
    """TFLM would have to shift by 32 bits, and stops the program (TFLITE_CHECK in reference/softmax.h)."""
    model = tflite.parse(softmax(1000, 0.1), "long")
    (note,) = ENGINE.generate(model, HOST, {}).warnings
    assert "TFLM stops the program" in note
    samples = np.repeat(np.array([-128, 0, 127], np.int8), 1000).reshape(3, 1, 1000)
    with HostModel(model) as host:
        assert (host.run(samples)[0] == -128).all()


@pytest.mark.parametrize("equal", [511, 512, 513])
def test_as_many_equal_logits_as_make_the_difference(equal: int) -> None:
    """Of 511 equal ones each has 0.501 codes, which is one; of 512 half a code less the last bit, and of 513 too."""
    samples = np.full((1, 1, 1000), -128, np.int8)
    samples[..., :equal] = 127
    with HostModel(tflite.parse(softmax(1000, 1.0), "long")) as host:
        (made,) = host.run(samples)
    assert set(made[0, :equal].tolist()) == {-127 if equal == 511 else -128}
    assert (made[0, equal:] == -128).all()
