"""Kernels of convolutions that are taken for their speed, each forced in turn, against the tflite-micro wheel.

Scales are powers of two for every other channel, so that sums meet the ties of both roundings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs, m4
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.kernels import all_kernels, depthwise_planes_dsp
from tinyperf.engines.aot.layouts import COLUMNS, ROWS
from tinyperf.engines.aot.passes import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.cores import Core
    from tinyperf.engines import Optimize

M4 = cores.load("cortex-m4")


@dataclass(frozen=True)
class Layer:
    """A convolution: [height, width, channels] in, channels out, kernel, stride, 0: SAME or 1: VALID,
    the input's zero point, and how far apart the shifts are. `multiplier`: that of a depthwise one.
    """

    given: tuple[int, int, int]
    made: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: int = 0
    zero: int = -128
    spread: int = 3
    multiplier: int = 0


POINTWISE = (
    Layer((5, 5, 16), 4),
    Layer((3, 3, 64), 7),
    Layer((4, 4, 8), 16),
    Layer((2, 2, 108), 5, zero=3),
    Layer((1, 5, 20), 2),
    Layer((7, 3, 12), 1),
    Layer((2, 3, 3), 6),
    Layer((9, 2, 1), 3),
    Layer((4, 3, 30), 9, stride=(2, 2), zero=-5),
    Layer((4, 3, 8), 12, spread=8),
)
DEPTHWISE = (
    Layer((5, 5, 3), 3, (3, 3), multiplier=1),
    Layer((2, 9, 4), 4, (3, 3), multiplier=1),
    Layer((13, 2, 5), 10, (3, 3), multiplier=2),
    Layer((11, 10, 3), 3, (3, 3), padding=1, multiplier=1),
    Layer((12, 7, 2), 6, (3, 3), (2, 2), multiplier=3),
    Layer((9, 8, 7), 7, (3, 3), (2, 2), padding=1, multiplier=1, spread=8),
    Layer((6, 10, 4), 4, (3, 3), (2, 2), multiplier=1),
    Layer((10, 9, 1), 1, (3, 3), multiplier=1),
)
WINDOWS = (
    Layer((9, 8, 3), 8, (3, 3), (2, 2)),
    Layer((13, 6, 1), 5, (10, 4), (2, 2), zero=83),
    Layer((5, 5, 4), 4, (3, 3), (1, 1), 1),
    Layer((4, 7, 5), 3, (2, 3), (1, 2), zero=127),
)


def forced(*kernels: str) -> Core:
    """A Cortex-M4 on which these kernels cost nothing."""
    costs = {
        kernel.name: dict.fromkeys(M4.costs.get(kernel.name, kernel.costs), 0.0)
        for kernel in all_kernels()
        if kernel.name in kernels
    }
    return replace(M4, costs={**M4.costs, **costs})


class Network:
    """Layers with scales such that their sums meet ties, and their outputs both ends of the range."""

    def __init__(self, seed: int, least_shift: int) -> None:
        self.least_shift = least_shift
        self.draw = np.random.default_rng(seed)
        self.tensors: list[graphs.T] = []
        self.ops: list[graphs.O] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []

    def input(self, shape: tuple[int, int, int], zero: int = -128) -> int:
        self.inputs.append(len(self.tensors))
        self.tensors.append(graphs.T((1, *shape), 1.0, zero))
        return self.inputs[-1]

    def layer(self, given: int, layer: Layer) -> int:
        """The number of the output of `layer` on tensor `given`."""
        made = tuple(
            -(-(size - (k - 1 if layer.padding else 0)) // s)
            for size, k, s in zip(layer.given[:2], layer.kernel, layer.stride, strict=True)
        )
        depthwise = layer.multiplier > 0
        shape = (1, *layer.kernel, layer.made) if depthwise else (layer.made, *layer.kernel, layer.given[2])
        taps = layer.kernel[0] * layer.kernel[1] * (1 if depthwise else layer.given[2])
        exponents = -(self.least_shift + self.draw.integers(0, layer.spread, layer.made) + int(np.log2(taps) / 2 + 1))
        fractions = np.where(np.arange(layer.made) % 2, self.draw.uniform(0.5, 1, layer.made), 0.5)
        scales = [float(scale) for scale in fractions * 2.0**exponents]
        i = len(self.tensors)
        self.tensors += [
            graphs.constant(self.draw.integers(-127, 128, shape).astype(np.int8), scales, axis=3 if depthwise else 0),
            graphs.constant(self.draw.integers(-3000, 3000, layer.made).astype(np.int32), scales),
            graphs.T((1, *made, layer.made), 1.0, -128),
        ]
        options = {"padding": layer.padding, "strideH": layer.stride[0], "strideW": layer.stride[1]}
        options |= {"dilationHFactor": 1, "dilationWFactor": 1, "fusedActivationFunction": 1}
        options |= {"depthMultiplier": layer.multiplier} if depthwise else {}
        self.ops.append(graphs.O("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [given, i, i + 1], [i + 2], options))
        return i + 2

    def file(self) -> bytes:
        return graphs.build(self.tensors, self.ops, self.inputs, self.outputs)


def side_by_side(layers: tuple[Layer, ...], seed: int) -> bytes:
    """A model of an input and an output for each layer."""
    network = Network(seed, 4)
    for layer in layers:
        network.outputs.append(network.layer(network.input(layer.given, layer.zero), layer))
    return network.file()


def in_planes(layers: tuple[Layer, ...], seed: int) -> bytes:
    """For each depthwise layer a convolution that makes its planes, and two that read planes: to planes, to pixels."""
    network = Network(seed, 2)
    for layer in layers:
        height, width, channels = layer.given
        first = network.layer(network.input((height, width, 4)), Layer((height, width, 4), channels))
        depthwise = network.layer(first, layer)
        made = network.tensors[depthwise].shape[1:]
        image = (made[0], made[1], made[2])
        second = network.layer(depthwise, Layer(image, 6))
        third = network.layer(second, Layer((*image[:2], 6), 6, (3, 3), multiplier=1))
        network.outputs.append(network.layer(third, Layer((*image[:2], 6), 3)))
    return network.file()


def compare(file: bytes, target: Target, kernels: set[str], folder: Path, seed: int) -> None:
    model = tflite.parse(file, "layers")
    assert {node.form.kernel for node in compiled(model, target).nodes if node.form} == kernels
    draw = np.random.default_rng(seed)
    shapes = [model.tensors[i].shape for i in model.inputs]
    samples = [[draw.integers(-128, 128, shape, np.int8) for shape in shapes] for _ in range(3)]
    samples += [[draw.choice(np.array([-128, 127], np.int8), shape) for shape in shapes]]
    expected = graphs.wheel_all(file, samples, outputs=len(shapes))
    machine = m4.Machine(m4.build(ENGINE.generate(model, target, {"optimize": target.optimize}), folder), model)
    seen = set()
    for sample, rows in zip(samples, expected, strict=True):
        machine.infer(*sample)
        for index, row in enumerate(rows):
            np.testing.assert_array_equal(machine.output(index), row.ravel(), err_msg=f"layer {index}")
            seen |= set(row.ravel().tolist())
    assert len(seen) > 100
    assert {-128, 127} < seen


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "optimize"), [(0, "time"), (1, "ram")])
@pytest.mark.parametrize("layers", [POINTWISE, WINDOWS], ids=["pointwise", "windows"])
def test_pairs_of_pixels_equal_the_wheel(
    layers: tuple[Layer, ...], seed: int, optimize: Optimize, tmp_path: Path
) -> None:
    target = Target(forced("conv_pairs_dsp"), optimize)
    compare(side_by_side(layers, seed), target, {"conv_pairs_dsp"}, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "optimize"), [(0, "ram"), (1, "time")])
@pytest.mark.parametrize("layout", [ROWS, COLUMNS])
def test_planes_equal_the_wheel(
    layout: str, seed: int, optimize: Optimize, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depthwise_planes_dsp, "PLANES", (layout,))
    kernels = ("conv_pairs_dsp", "depthwise_planes_dsp")
    between = set() if layout == ROWS else {"laid"}
    target = Target(forced(*kernels, *between), optimize)
    compare(in_planes(DEPTHWISE, seed), target, {*kernels, *between}, tmp_path, seed)
