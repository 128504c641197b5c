"""Kernels with Helium instructions: layers of all shapes side by side, under QEMU, against the wheel."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tests.unit.test_pairs import Layer, Network
from tinyperf import board as boards
from tinyperf import tflite, wire
from tinyperf.device.dut import Dut
from tinyperf.firmware import build
from tinyperf.learn import backends
from tinyperf.virtual.board.qemu import PROGRAM
from tinyperf.virtual.connect import open_image

BOARD = "mps3-an547"
INFERENCES = 3
CONVOLUTIONS = (
    Layer((5, 4, 16), 8, (1, 1), zero=-128),
    Layer((3, 3, 37), 5, (1, 1), zero=11),
    Layer((1, 1, 100), 13, (1, 1), zero=127),
    Layer((6, 5, 3), 4, (3, 3), padding=0, zero=-7),
    Layer((7, 9, 16), 6, (3, 3), padding=0, stride=(2, 2), zero=4),
    Layer((5, 6, 17), 3, (2, 4), padding=0, zero=-128),
    Layer((9, 4, 1), 9, (7, 3), padding=0, stride=(2, 1), zero=90),
    Layer((6, 6, 8), 7, (3, 2), padding=1, zero=-1),
    Layer((5, 5, 4), 4, (1, 1), stride=(2, 2), zero=3),
)
DEPTHWISE = (
    Layer((5, 6, 16), 16, (3, 3), multiplier=1, padding=0, zero=-128),
    Layer((6, 5, 7), 7, (3, 3), multiplier=1, padding=0, stride=(2, 2), zero=50),
    Layer((4, 4, 33), 33, (2, 3), multiplier=1, padding=1, zero=-9),
    Layer((8, 3, 20), 20, (5, 1), multiplier=1, padding=0, zero=127),
    Layer((3, 3, 4), 4, (3, 3), multiplier=1, padding=1, zero=-128),
)


def side_by_side(layers: tuple[Layer, ...]) -> bytes:
    """An input and an output for each layer; every second one shifts to the left, or not at all."""
    network = Network(1, 4)
    for k, layer in enumerate(layers):
        network.least_shift = -7 if k % 2 else 4
        made = network.layer(network.input(layer.given, layer.zero), layer)
        network.tensors[made].zero = -3
        options = network.ops[-1].options
        assert isinstance(options, dict)
        options["fusedActivationFunction"] = 0  # sums below zero are seen, and their ties
        network.outputs.append(made)
    return network.file()


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "kernel"), [(CONVOLUTIONS, "conv_2d_mve"), (DEPTHWISE, "depthwise_conv_2d_mve")])
def test_layers_of_all_shapes_are_equal(layers: tuple[Layer, ...], kernel: str) -> None:
    pytest.importorskip("tflite_micro", reason="the wheel tflite-micro is not installed")
    for program in (PROGRAM, "arm-none-eabi-gcc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    model = tflite.parse(side_by_side(layers), "layers")
    image = build.build(boards.load(BOARD), model, benchmark=None, engine="aot")
    assert {layer.kernel for layer in image.generated.layers} == {kernel}
    draw = np.random.default_rng(2)
    sent = [draw.bytes(sum(t.elements for t in model.input_tensors)) for _ in range(INFERENCES)]
    expected = wire.printed(model, backends.infer("tflm", model, wire.to_tensors(None, b"".join(sent), model)))
    link = open_image(boards.load(BOARD), image.path)
    try:
        dut = Dut(link, where="QEMU")
        dut.connect()
        found = [dut.trial("input", data, 1, 0).results for data in sent]
    finally:
        link.close()
    assert len(set(found[0])) > 50
    np.testing.assert_array_equal(np.array(found), expected)
