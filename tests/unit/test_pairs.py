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
from tinyperf.engines.aot.passes import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.cores import Core

M4 = cores.load("cortex-m4")


@dataclass(frozen=True)
class Layer:
    """A convolution: [height, width, channels] in, channels out, kernel, stride, 0: SAME or 1: VALID,
    the input's zero point, and how far apart the shifts are.
    """

    given: tuple[int, int, int]
    made: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: int = 0
    zero: int = -128
    spread: int = 3


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
WINDOWS = (
    Layer((9, 8, 3), 8, (3, 3), (2, 2)),
    Layer((13, 6, 1), 5, (10, 4), (2, 2), zero=83),
    Layer((5, 5, 4), 4, (3, 3), (1, 1), 1),
    Layer((4, 7, 5), 3, (2, 3), (1, 2), zero=127),
)


def forced(kernel: str) -> Core:
    """A Cortex-M4 on which one kernel costs nothing."""
    everything = ("taps", "outputs", "copied", "channels", "paired", "gathered", "row")
    return replace(M4, costs={**M4.costs, kernel: dict.fromkeys(everything, 0.0)})


def side_by_side(layers: tuple[Layer, ...], seed: int) -> bytes:
    """A model of an input and an output for each layer."""
    draw = np.random.default_rng(seed)
    tensors: list[graphs.T] = []
    ops: list[graphs.O] = []
    for layer in layers:
        made = tuple(
            -(-(size - (k - 1 if layer.padding else 0)) // s)
            for size, k, s in zip(layer.given[:2], layer.kernel, layer.stride, strict=True)
        )
        taps = layer.kernel[0] * layer.kernel[1] * layer.given[2]
        weights = draw.integers(-127, 128, (layer.made, *layer.kernel, layer.given[2])).astype(np.int8)
        # The largest sums are about 127 * 255 * taps; outputs shall reach both ends of their range.
        exponents = -(4 + draw.integers(0, layer.spread, layer.made) + int(np.log2(taps) / 2 + 1))
        fractions = np.where(np.arange(layer.made) % 2, draw.uniform(0.5, 1, layer.made), 0.5)
        scales = [float(scale) for scale in fractions * 2.0**exponents]
        bias = draw.integers(-3000, 3000, layer.made).astype(np.int32)
        i = len(tensors)
        tensors += [
            graphs.T((1, *layer.given), 1.0, layer.zero),
            graphs.constant(weights, scales),
            graphs.constant(bias, scales),
            graphs.T((1, *made, layer.made), 1.0, -128),
        ]
        options = {"padding": layer.padding, "strideH": layer.stride[0], "strideW": layer.stride[1]}
        options |= {"dilationHFactor": 1, "dilationWFactor": 1, "fusedActivationFunction": 1}
        ops.append(graphs.O("CONV_2D", [i, i + 1, i + 2], [i + 3], options))
    count = len(layers)
    return graphs.build(tensors, ops, [4 * i for i in range(count)], [4 * i + 3 for i in range(count)])


def compare(file: bytes, core: Core, kernels: set[str], folder: Path, seed: int) -> None:
    model = tflite.parse(file, "layers")
    target = Target(core)
    assert {node.form.kernel for node in compiled(model, target).nodes if node.form} == kernels
    draw = np.random.default_rng(seed)
    shapes = [model.tensors[i].shape for i in model.inputs]
    samples = [[draw.integers(-128, 128, shape, np.int8) for shape in shapes] for _ in range(3)]
    samples += [[draw.choice(np.array([-128, 127], np.int8), shape) for shape in shapes]]
    expected = graphs.wheel_all(file, samples, outputs=len(shapes))
    machine = m4.Machine(m4.build(ENGINE.generate(model, target, {}), folder), model)
    seen = set()
    for sample, rows in zip(samples, expected, strict=True):
        machine.infer(*sample)
        for index, row in enumerate(rows):
            np.testing.assert_array_equal(machine.output(index), row.ravel(), err_msg=f"layer {index}")
            seen |= set(row.ravel().tolist())
    assert len(seen) > 150
    assert {-128, 127} < seen


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("layers", [POINTWISE, WINDOWS], ids=["pointwise", "windows"])
def test_pairs_of_pixels_equal_the_wheel(layers: tuple[Layer, ...], seed: int, tmp_path: Path) -> None:
    compare(side_by_side(layers, seed), forced("conv_pairs_dsp"), {"conv_pairs_dsp"}, tmp_path, seed)
