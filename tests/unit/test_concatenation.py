"""CONCATENATION: inputs that come from other layers, and what TFLM refuses too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import graphs, m4
from tests.graphs import O, T, constant
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

M4 = Target(cores.load("cortex-m4"))
IMAGE = T((1, 4, 4, 4), 0.05, -128)
WINDOW = {"padding": 0, "stride_w": 1, "stride_h": 1}
WEIGHTS = np.random.default_rng(2).integers(-127, 128, (3, 3, 3, 4)).astype(np.int8)


def fire() -> bytes:
    """A SqueezeNet module: two convolutions of one image, side by side, between the image itself and a constant."""
    tensors = [
        IMAGE,
        constant(WEIGHTS[:, :1, :1], 0.01),
        constant(WEIGHTS, 0.01),
        T((1, 4, 4, 3), 0.05, -128),
        T((1, 4, 4, 3), 0.05, -128),
        T((1, 4, 4, 1), 0.05, -128, np.arange(16, dtype=np.int8).reshape(1, 4, 4, 1)),
        T((1, 4, 4, 15), 0.05, -128),
    ]
    ops = [
        O("CONV_2D", [0, 1], [3], WINDOW),
        O("CONV_2D", [0, 2], [4], WINDOW),
        O("CONCATENATION", [0, 3, 4, 5, 0], [6], {"axis": -1}),
    ]
    tensors[6] = T((1, 4, 4, 4 + 3 + 3 + 1 + 4), 0.05, -128)
    return graphs.build(tensors, ops, [0], [6])


def test_parts_of_other_layers(tmp_path: Path) -> None:
    data = fire()
    model = tflite.parse(data, "fire")
    samples = np.random.default_rng(1).integers(-128, 128, (5, 1, 4, 4, 4), np.int8)
    expected = graphs.wheel(data, samples)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples)[0], expected)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    np.testing.assert_array_equal(np.stack([machine.infer(s) for s in samples]), expected)


def joined(second: T, made: T, **options: Any) -> bytes:
    data = np.zeros(second.shape, np.int8)
    constants = T(second.shape, second.scale, second.zero, data)
    return graphs.build([IMAGE, constants, made], [O("CONCATENATION", [0, 1], [2], options)], [0], [2])


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        pytest.param(
            joined(T((1, 4, 4, 4), 0.06, -128), T((1, 4, 4, 8), 0.05, -128), axis=3), "scale 0.06 ", id="scales"
        ),
        pytest.param(
            joined(T((1, 4, 4, 4), 0.05, -127), T((1, 4, 4, 8), 0.05, -128), axis=3), "-127", id="zero points"
        ),
        pytest.param(joined(IMAGE, T((1, 4, 4, 8), 0.05, -128), axis=4), "axis 4 of 4 dimensions", id="axis"),
        pytest.param(joined(IMAGE, T((1, 4, 4, 8), 0.05, -128), axis=2), "along axis 2", id="output of another shape"),
        pytest.param(joined(T((1, 4, 4), 0.05, -128), T((1, 4, 4, 8), 0.05, -128), axis=3), "axis 3", id="rank"),
        pytest.param(
            joined(IMAGE, T((1, 4, 4, 8), 0.05, -128), axis=3, fused_activation_function=1), "RELU", id="activation"
        ),
    ],
)
def test_refused(data: bytes, seen: str) -> None:
    with pytest.raises(ModelError, match=f"op 0 CONCATENATION: .*{seen}"):
        ENGINE.generate(tflite.parse(data, "joined"), M4, {})


def two_layers(first: int, second: int) -> bytes:
    """Two parts that are made for one whole, twice over where they are a part of another whole too."""
    tensors = [
        T((1, 4), 0.5, 3),
        constant(np.arange(4 * first, dtype=np.int8).reshape(first, 4), 0.1),
        constant(np.arange(4 * second, dtype=np.int8).reshape(second, 4), 0.1),
        T((1, first), 0.75, -4),
        T((1, second), 0.75, -4),
        T((1, first + second), 0.75, -4),
        T((1, first + second), 1 / 256, -128),
    ]
    ops = [
        O("FULLY_CONNECTED", [0, 1], [3]),
        O("FULLY_CONNECTED", [0, 2], [4]),
        O("CONCATENATION", [3, 4], [5], {"axis": 1}),
        O("SOFTMAX", [5], [6], {"beta": 1.0}),
    ]
    return graphs.build(tensors, ops, [0], [6])


@pytest.mark.parametrize(
    ("first", "second", "kernel"),
    [
        pytest.param(8, 5, "none", id="parts in whole words need no code"),
        pytest.param(6, 4, "concatenation", id="a part that would not be aligned is copied"),
    ],
)
def test_parts_are_made_in_the_whole(first: int, second: int, kernel: str, tmp_path: Path) -> None:
    data = two_layers(first, second)
    model = tflite.parse(data, "joined")
    samples = np.random.default_rng(5).integers(-128, 128, (6, 1, 4), np.int8)
    expected = graphs.wheel(data, samples)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples)[0], expected)
    made = ENGINE.generate(model, M4, {})
    assert made.layers[2].kernel == kernel
    machine = m4.Machine(m4.build(made, tmp_path), model)
    np.testing.assert_array_equal(np.stack([machine.infer(s) for s in samples]), expected)


def test_a_part_of_two_wholes_is_copied_to_both() -> None:
    part = T((1, 4), 0.5, 3)
    tensors = [part, part, part, T((1, 8), 0.5, 3), T((1, 8), 0.5, 3), T((1, 8), 0.5, 3)]
    ops = [
        O("RELU", [0], [1]),
        O("RELU6", [0], [2]),
        O("CONCATENATION", [1, 2], [3], {"axis": 1}),
        O("CONCATENATION", [2, 1], [4], {"axis": 1}),
        O("ADD", [3, 4], [5]),
    ]
    data = graphs.build(tensors, ops, [0], [5])
    model = tflite.parse(data, "twice")
    assert [layer.kernel for layer in ENGINE.generate(model, M4, {}).layers[2:4]] == ["concatenation"] * 2
    samples = np.random.default_rng(5).integers(-128, 128, (6, 1, 4), np.int8)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples)[0], graphs.wheel(data, samples))
